/**
 * Which of a kernel's variants runs a command, for every kind of device.
 *
 * All variants of a kernel meet the same error bound, so the choice is about speed alone: of those that take the command's
 * storage types and whose `when` holds, the first in the device's order of preference, which keeps the file's order where
 * it has none. Where variants are made for few or many live rows, a command has one for each range of live rows; what a
 * submit brings then decides.
 */
import { InternalError, KernelError } from '../base/errors.ts';
import { type HasFeature, type Kernel, storageTypes, type VariantSource } from './kernel.ts';
import type { Command } from './program.ts';
import type { KernelContext, Variant } from './variant.ts';

/** A device as far as variants are concerned. */
export interface VariantKind<V extends Variant> {
  /** Where a kernel has its variants of this kind. */
  sourceOf(kernel: Kernel): VariantSource<V> | undefined;
  /** All features when absent. */
  readonly has?: HasFeature;
  /** Can it run here at all? All can when absent. */
  offers?(variant: V): boolean;
  /** Variants that may run the command, best first; as the file has them when absent. */
  order?(variants: readonly V[], command: Command, context: KernelContext): readonly V[];
  /** For messages: "this GPU". */
  readonly place: string;
}

/** A device's kind with the variants of some kernels, loaded: those that it offers. */
export interface LoadedVariants<V extends Variant> {
  readonly kind: VariantKind<V>;
  /** By kernel, in the order of its file. */
  readonly variants: ReadonlyMap<Kernel, readonly V[]>;
}

/** @returns the variants of the commands' kernels that may run them */
export async function loadVariants<V extends Variant>(
  commands: readonly Command[],
  kind: VariantKind<V>,
): Promise<LoadedVariants<V>> {
  const kernels = [...new Set(commands.map(({ kernel }) => kernel))];
  const loaded = await Promise.all(
    kernels.map(async (kernel): Promise<readonly [Kernel, readonly V[]]> => {
      const source = kind.sourceOf(kernel) ?? [];
      const uses = commands.filter((command) => command.kernel === kernel);
      const all = typeof source === 'function' ? await source(uses, kind.has ?? (() => true)) : source;
      return [kernel, all.filter((variant) => kind.offers?.(variant) ?? true)];
    }),
  );
  return { kind, variants: new Map(loaded) };
}

export interface SelectedVariant<V extends Variant> {
  readonly variant: V;
  readonly context: KernelContext;
  /** It runs the command for so many live rows, from the last one's on. */
  readonly least: number;
  readonly upTo: number;
}

/**
 * What runs the command, by ascending live rows; the last covers all. One entry for a kernel without a dim `rows`.
 *
 * @throws {KernelError} `noVariant`, with the reason that refused each
 */
export function selectVariants<V extends Variant>(
  command: Command,
  loaded: LoadedVariants<V>,
): readonly SelectedVariant<V>[] {
  const { kind } = loaded;
  const rows = command.dims.rows ?? 0;
  const capacity = Math.min(rows, command.maxRows ?? rows);
  const known = variantsOf(command, loaded);
  const wanted = command.variant === undefined ? known : known.filter(({ name }) => name === command.variant);
  // Where the choice may change: after a variant's last row, and before its first.
  const ends = new Set([capacity]);
  for (const { rows } of command.allRows ? [] : wanted) {
    for (const end of [rows?.max, rows?.min && rows.min - 1]) if (end && end < capacity) ends.add(end);
  }
  const selected: SelectedVariant<V>[] = [];
  let from = command.allRows ? capacity : Math.min(1, capacity);
  for (const upTo of [...ends].sort((a, b) => a - b)) {
    const context = contextOf(command, upTo);
    const variant = inOrder(wanted, kind, command, context).find((v) => fits(v, command, context, from, upTo));
    // A variant forced by name may be for some numbers of rows only.
    if (!variant && command.variant === undefined) throw noVariant(command, kind, wanted, context);
    const last = selected.at(-1);
    const least = command.allRows ? capacity : 0;
    if (variant && last?.variant === variant) selected[selected.length - 1] = { variant, context, least, upTo };
    else if (variant) selected.push({ variant, context, least, upTo });
    from = upTo + 1;
  }
  if (selected.length === 0) throw noVariant(command, kind, wanted, contextOf(command, capacity));
  return selected;
}

/** Of what `selectVariants` found, the one for a number of live rows. */
export function forRows<S extends { readonly least: number; readonly upTo: number }>(
  selected: readonly S[],
  liveRows: number,
): S | undefined {
  return selected.find(({ least, upTo }) => least <= liveRows && liveRows <= upTo);
}

/** All that can run the command with so many live rows, best first. */
export function fittingVariants<V extends Variant>(
  command: Command,
  loaded: LoadedVariants<V>,
  liveRows = command.dims.rows ?? 0,
): readonly V[] {
  return inOrder(variantsOf(command, loaded), loaded.kind, command, contextOf(command, liveRows)).filter((variant) =>
    fits(variant, command, contextOf(command, rowsOf(variant, command)), liveRows, liveRows),
  );
}

/** Code for a variant is generated for no more rows than it is for. */
function rowsOf({ rows }: Variant, { dims }: Command): number {
  return Math.min(rows?.max ?? Number.POSITIVE_INFINITY, dims.rows ?? 0);
}

function variantsOf<V extends Variant>({ kernel }: Command, { variants }: LoadedVariants<V>): readonly V[] {
  const own = variants.get(kernel);
  if (!own) throw new InternalError(`the variants of ${kernel.name} were not loaded`);
  return own;
}

function inOrder<V extends Variant>(
  variants: readonly V[],
  kind: VariantKind<V>,
  command: Command,
  context: KernelContext,
): readonly V[] {
  return kind.order?.(variants, command, context) ?? variants;
}

function contextOf({ dims, params, args, sumsAs }: Command, rows: number): KernelContext {
  return {
    dims: dims.rows === undefined ? dims : { ...dims, rows },
    params,
    sumsAs: dims.rows === undefined ? 0 : (sumsAs ?? dims.rows),
    has: (arg) => args[arg] !== undefined,
    dtype: (arg) => args[arg]?.dtype ?? 'f32',
  };
}

function fits(variant: Variant, command: Command, context: KernelContext, from: number, upTo: number): boolean {
  const { min = 0, max = Number.POSITIVE_INFINITY } = variant.rows ?? {};
  if (command.dims.rows !== undefined && (from < min || upTo > max)) return false;
  return refusedType(variant, command) === undefined && (variant.when?.(context) ?? true);
}

/** The argument whose storage type the variant does not take. */
function refusedType({ takes }: Variant, { kernel, args }: Command): string | undefined {
  return Object.entries(args).find(([name, tensor]) => {
    const spec = kernel.args[name];
    return spec && !(takes?.[name] ?? storageTypes(spec).slice(0, 1)).includes(tensor.dtype);
  })?.[0];
}

function noVariant<V extends Variant>(
  command: Command,
  { place }: VariantKind<V>,
  variants: readonly V[],
  context: KernelContext,
): KernelError {
  const { kernel, variant: wanted } = command;
  const reasons = variants.map((variant) => {
    const arg = refusedType(variant, command);
    if (arg !== undefined) return `${variant.name} does not take ${arg} in ${command.args[arg]?.dtype}`;
    return variant.when?.(context) === false
      ? `${variant.name} does not take these dims`
      : `${variant.name} not so many rows`;
  });
  const why = reasons.length > 0 ? reasons.join('; ') : `it has no variant${wanted ? ` ${wanted}` : ''}`;
  const dims = Object.entries(command.dims).map(([name, size]) => `${name} ${size}`);
  return new KernelError('noVariant', `${kernel.name} (${dims.join(', ')}) cannot run on ${place}: ${why}.`);
}
