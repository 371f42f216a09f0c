/**
 * What a choice between variants hangs on: the kernel, its sizes, parameters and storage types; and of the live rows, the range
 * that they are in.
 *
 * Code is made for ranges of live rows, and all rows of a range run the same variant, so one number of rows has to stand for a
 * range. A command whose rows have to be what they are in a command of fewer rows (`Command.sumsAs`) is looked up by those
 * rows wherever they are in the range: a table then cannot give rows that are to be alike different sums.
 */
import { seedOf } from '../base/random.ts';
import { storageTypes } from '../engine/kernel.ts';
import type { Command } from '../engine/program.ts';
import type { KernelContext, Variant } from '../engine/variant.ts';
import type { GpuFeatures } from '../engine/wgsl/features.ts';
import { shaderText } from '../engine/wgsl/shader.ts';
import type { WgslVariant } from '../engine/wgsl/variant.ts';

/** Dims that say how much there is room for, and not what the work is: code of one serves all. */
const CAPACITIES: ReadonlySet<string> = new Set(['rows', 'slots', 'sets', 'searchRows', 'sourceRows']);

/** Last rows of the ranges that a table knows besides those that variants are made for. */
const RANGE_ENDS = [8, 64, 512];

export function choiceKey({ kernel, dims, params, args }: Command): string {
  const sizes = Object.entries(dims).filter(([name]) => !CAPACITIES.has(name));
  const types = Object.entries(args).map(([name, { dtype }]): [string, string] => [name, dtype]);
  const words = [...sizes, ...Object.entries(params), ...types].map(([name, value]) => `${name}=${value}`);
  return [kernel.name, ...words].join(' ');
}

/**
 * Of all variants that take the command's storage types, as this GPU would run them: their names, their code and their grids.
 * Others may or may not be loaded, which depends on what else is run.
 */
export function fingerprint(command: Command, variants: readonly WgslVariant[], gpu: GpuFeatures): string {
  const texts = variants
    .filter((variant) => takesTypes(variant, command))
    .map((variant) => {
      const context = standardContext(command, variant);
      try {
        const grid = variant.groups(context, context.dims.rows ?? 0);
        return `${variant.name} ${grid.join()}\n${shaderText(command.kernel, variant, context, gpu)}`;
      } catch {
        return variant.name; // not for these sizes
      }
    });
  const text = texts.join('\n\n');
  return `${seedOf(text).toString(16).padStart(8, '0')} ${text.length}`;
}

function takesTypes({ takes }: Variant, { kernel, args }: Command): boolean {
  return Object.entries(args).every(([name, { dtype }]) => {
    const spec = kernel.args[name];
    return spec !== undefined && (takes?.[name] ?? storageTypes(spec).slice(0, 1)).includes(dtype);
  });
}

/** The command with a number of rows that the variant takes, and room for one of everything else. */
function standardContext({ dims, params, args }: Command, { rows }: Variant): KernelContext {
  const count = rows?.max ?? Math.max(rows?.min ?? 1, 16);
  const one = Object.entries(dims).map(([name, size]) => [name, CAPACITIES.has(name) ? 1 : size]);
  return {
    dims: { ...Object.fromEntries(one), ...(dims.rows !== undefined && { rows: count }) },
    params,
    sumsAs: dims.rows === undefined ? 0 : count,
    has: (arg) => args[arg] !== undefined,
    dtype: (arg) => args[arg]?.dtype ?? 'f32',
  };
}

export interface RowRange {
  readonly from: number;
  /** Absent: no end. */
  readonly upTo?: number;
}

/** The range for which the code of `context` is made, and the rows by which its choice is looked up. */
export function rangeOfChoice(
  { allRows }: Command,
  variants: readonly Variant[],
  { dims: { rows }, sumsAs }: KernelContext,
): RowRange & { readonly key: number } {
  if (rows === undefined) return { from: 0, key: 0 };
  if (allRows) return { from: rows, upTo: rows, key: rows };
  const ends = variantEnds(variants);
  const from = 1 + Math.max(0, ...ends.filter((end) => end < rows));
  const upTo = Math.min(...ends.filter((end) => end >= rows));
  const key = from <= sumsAs && sumsAs <= upTo ? sumsAs : rows;
  return { from, ...(Number.isFinite(upTo) && { upTo }), key };
}

/** The ranges that are measured one by one, up to that of `mostRows`. */
export function rowRanges(variants: readonly Variant[], mostRows: number): readonly RowRange[] {
  const ends = [...new Set([...RANGE_ENDS, ...variantEnds(variants)])].sort((a, b) => a - b);
  const ranges = [...ends, undefined].map((upTo, i): RowRange => {
    return { from: (ends[i - 1] ?? 0) + 1, ...(upTo !== undefined && { upTo }) };
  });
  return ranges.filter(({ from }) => from <= mostRows);
}

/** Where variants end and begin. */
function variantEnds(variants: readonly Variant[]): readonly number[] {
  return variants
    .flatMap(({ rows }) => [rows?.max, rows?.min && rows.min - 1])
    .filter((end) => end !== undefined && end > 0) as number[]; // those that are given
}
