/** Options with the defaults of their table filled in, so that each default stands once. */
import type { OptionSpec, OptionsOf, OptionTable, Place, ResolvedOptions } from './spec.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * @param options checked ones; what the table has no row for is left out
 * @returns a value for every row that applies at the place: the given one, else the default
 */
export function resolve<T extends OptionTable, P extends Place>(
  table: T,
  place: P,
  options: OptionsOf<T, P>,
): ResolvedOptions<T, P> {
  const rows = Object.entries(table).filter(([, spec]) => spec.where.includes(place));
  return fill(rows, options) as ResolvedOptions<T, P>; // ResolvedOptions says row by row what resolveValue returns
}

/** The options that have a row at the place, as they are given. */
export function pick<T extends OptionTable, P extends Place>(table: T, place: P, options: object): OptionsOf<T, P> {
  const given = Object.entries(options).filter(
    ([name]) => Object.hasOwn(table, name) && table[name]?.where.includes(place),
  );
  return Object.fromEntries(given) as OptionsOf<T, P>; // names of these rows, with values the caller vouches for
}

function fill(rows: readonly (readonly [string, OptionSpec])[], options: object): Values {
  const given = options as Values; // any object may be asked for any name
  return Object.fromEntries(rows.map(([name, spec]) => [name, resolveValue(spec, given[name])]));
}

function resolveValue(spec: OptionSpec, given: unknown): unknown {
  if (spec.kind === 'table') {
    const value = given ?? spec.default;
    if (value === false) return false;
    return fill(Object.entries(spec.options), typeof value === 'object' ? value : {});
  }
  const standard = 'default' in spec ? spec.default : undefined;
  const value = given === undefined ? standard : given;
  return spec.kind === 'numbers' && typeof value === 'number' ? [value] : value;
}
