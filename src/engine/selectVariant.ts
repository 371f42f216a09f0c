/**
 * Which of a kernel's variants runs a command, for every kind of device.
 *
 * All variants of a kernel meet the same error bound, so the choice is about speed alone: of those that take the command's
 * storage types and whose `when` holds, the first in the device's order of preference, which keeps the file's order where
 * it has none. Where variants are made for few or many live rows, a command has one for each range of live rows; what a
 * submit brings then decides.
 */
import { KernelError } from '../base/errors.ts';
import { storageTypes } from './kernel.ts';
import type { Command } from './program.ts';
import type { KernelContext, Variant } from './variant.ts';

/** A device as far as variants are concerned. */
export interface VariantKind<V extends Variant> {
  /** The variants of this kind that a kernel has. */
  variantsOf(kernel: Command['kernel']): readonly V[];
  /** Smaller is preferred; the file's order decides among equals. All are equal when absent. */
  rank?(variant: V): number;
  /** For messages: "this GPU". */
  readonly place: string;
}

export interface SelectedVariant<V extends Variant> {
  readonly variant: V;
  readonly context: KernelContext;
  /** It runs the command for up to so many live rows. */
  readonly upTo: number;
}

/**
 * What runs the command, by ascending live rows; the last covers all. One entry for a kernel without a dim `rows`.
 *
 * @throws {KernelError} `noVariant`, with the reason that refused each
 */
export function selectVariants<V extends Variant>(
  command: Command,
  kind: VariantKind<V>,
): readonly SelectedVariant<V>[] {
  const capacity = command.dims.rows ?? 0;
  const known = kind.variantsOf(command.kernel);
  const considered = command.variant === undefined ? known : known.filter(({ name }) => name === command.variant);
  const ranked = inOrder(considered, kind);
  // Where the choice may change: after a variant's last row, and before its first.
  const ends = new Set([capacity]);
  for (const { rows } of ranked) {
    for (const end of [rows?.max, rows?.min && rows.min - 1]) if (end && end < capacity) ends.add(end);
  }
  const selected: SelectedVariant<V>[] = [];
  let from = Math.min(1, capacity);
  for (const upTo of [...ends].sort((a, b) => a - b)) {
    const context = contextOf(command, upTo);
    const variant = ranked.find((v) => fits(v, command, context, from, upTo));
    // A variant forced by name may be for some numbers of rows only.
    if (!variant && command.variant === undefined) throw noVariant(command, kind, ranked, context);
    const last = selected.at(-1);
    if (variant && last?.variant === variant) selected[selected.length - 1] = { variant, context, upTo };
    else if (variant) selected.push({ variant, context, upTo });
    from = upTo + 1;
  }
  if (selected.length === 0) throw noVariant(command, kind, ranked, contextOf(command, capacity));
  return selected;
}

/** Of what `selectVariants` found, the one for a number of live rows. */
export function forRows<S extends { readonly upTo: number }>(selected: readonly S[], liveRows: number): S | undefined {
  return selected.find(({ upTo }) => liveRows <= upTo);
}

/** Names of all that can run the command with so many live rows, best first. */
export function fittingVariants<V extends Variant>(
  command: Command,
  kind: VariantKind<V>,
  liveRows = command.dims.rows ?? 0,
): readonly V[] {
  return inOrder(kind.variantsOf(command.kernel), kind).filter((variant) =>
    fits(variant, command, contextOf(command, rowsOf(variant, command)), liveRows, liveRows),
  );
}

/** Code for a variant is generated for no more rows than it is for. */
function rowsOf({ rows }: Variant, { dims }: Command): number {
  return Math.min(rows?.max ?? Number.POSITIVE_INFINITY, dims.rows ?? 0);
}

function inOrder<V extends Variant>(variants: readonly V[], { rank }: VariantKind<V>): readonly V[] {
  return rank ? [...variants].sort((a, b) => rank(a) - rank(b)) : variants;
}

function contextOf({ dims, params, args }: Command, rows: number): KernelContext {
  return {
    dims: dims.rows === undefined ? dims : { ...dims, rows },
    params,
    capacity: dims.rows ?? 0,
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
