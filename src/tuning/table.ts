/**
 * What was measured on one adapter, as it is kept: for each use of a kernel and range of live rows, the variant that won, the
 * one of the rules of thumb, and their times.
 *
 * A table is a file that anybody may have written, so it is read as such: what is not as it should be is told, and not used.
 */

/** A GPU in its own words, and what drives it. */
export interface AdapterIdentity {
  /** What compiles and runs shaders: `dawn`, or `wgpu` in Deno. */
  readonly runtime: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** With the driver and its version, where that is told. */
  readonly description: string;
  /** Of the system: `vulkan`. Empty where it is not told. */
  readonly backend: string;
}

/** Milliseconds of one run. */
export interface Times {
  readonly least: number;
  /** A quarter of the rounds were as quick. How far it is above the least says how far that can be trusted. */
  readonly quartile: number;
  readonly median: number;
}

export interface MeasuredPoint {
  /** Live rows; 0 for a kernel without rows. */
  readonly rows: number;
  /** By variant. Those that were several times slower than the best were not measured to the end. */
  readonly times: ReadonlyMap<string, Times>;
}

export interface RangeChoice {
  /** The last number of live rows; absent: no end. */
  readonly upTo?: number;
  /** What won by more than the times spread; absent: nothing did. */
  readonly variant?: string;
  /** What runs without a table. */
  readonly rule: string;
  readonly points: readonly MeasuredPoint[];
}

export interface MeasuredUse {
  /** Of all variants as they were measured (choiceKey.ts). */
  readonly variants: string;
  /** Variants that were wrong on this adapter: none of them is chosen. */
  readonly wrong: readonly string[];
  /** By ascending rows. */
  readonly ranges: readonly RangeChoice[];
}

export interface TuningTable {
  readonly adapter: AdapterIdentity;
  /** The version of sotto, for people; `MeasuredUse.variants` says whether a choice holds. */
  readonly madeBy: string;
  readonly date: string;
  /** By `choiceKey`. */
  readonly uses: ReadonlyMap<string, MeasuredUse>;
}

const FORMAT = 'sotto kernel --tune';
const VERSION = 1;
/** Those of all published sizes in every storage type are a tenth of it. */
export const MOST_BYTES = 8_000_000;
export const MOST_TEXT = 1000;

/** Why a table is not used: the end of a sentence that begins with its file. */
export class TableFault extends Error {}

export function tableText({ adapter, madeBy, date, uses }: TuningTable): string {
  const plain = [...uses].map(([key, { ranges, ...use }]) => {
    const plainRanges = ranges.map(({ points, ...range }) => ({
      ...range,
      points: points.map(({ rows, times }) => ({ rows, times: Object.fromEntries(times) })),
    }));
    return [key, { ...use, ranges: plainRanges }];
  });
  const whole = { format: FORMAT, version: VERSION, madeBy, date, adapter, uses: Object.fromEntries(plain) };
  return `${JSON.stringify(whole, undefined, 1)}\n`;
}

/** @throws {TableFault} */
export function readTable(text: string): TuningTable {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new TableFault('is damaged: it is not JSON');
  }
  const root = objectAt(json, 'it');
  if (root.format !== FORMAT) throw new TableFault('is no table of kernels');
  if (root.version !== VERSION) throw new TableFault('was made by another version of sotto');
  const adapter = objectAt(root.adapter, 'adapter');
  const word = (name: string): string => textAt(adapter[name], `adapter.${name}`);
  const uses = mapAt(root.uses, 'uses', (value, where): MeasuredUse => {
    const use = objectAt(value, where);
    return {
      variants: textAt(use.variants, `${where}.variants`),
      wrong: listAt(use.wrong, `${where}.wrong`, textAt),
      ranges: listAt(use.ranges, `${where}.ranges`, rangeAt),
    };
  });
  return {
    adapter: {
      runtime: word('runtime'),
      vendor: word('vendor'),
      architecture: word('architecture'),
      device: word('device'),
      description: word('description'),
      backend: word('backend'),
    },
    madeBy: textAt(root.madeBy, 'madeBy'),
    date: textAt(root.date, 'date'),
    uses,
  };
}

function rangeAt(value: unknown, where: string): RangeChoice {
  const { upTo, variant, rule, points } = objectAt(value, where);
  return {
    ...(upTo !== undefined && { upTo: numberAt(upTo, `${where}.upTo`) }),
    ...(variant !== undefined && { variant: textAt(variant, `${where}.variant`) }),
    rule: textAt(rule, `${where}.rule`),
    points: listAt(points, `${where}.points`, (point, at): MeasuredPoint => {
      const { rows, times } = objectAt(point, at);
      const timesAt = (value: unknown, where: string): Times => {
        const times = objectAt(value, where);
        const ms = (name: keyof Times): number => numberAt(times[name], `${where}.${name}`);
        return { least: ms('least'), quartile: ms('quartile'), median: ms('median') };
      };
      return { rows: numberAt(rows, `${at}.rows`), times: mapAt(times, `${at}.times`, timesAt) };
    }),
  };
}

function damaged(where: string, wanted: string): never {
  throw new TableFault(`is damaged: ${where.slice(0, 100)} is not ${wanted}`);
}

function objectAt(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return damaged(where, 'an object');
  return value as Readonly<Record<string, unknown>>; // JSON has no other objects
}

function mapAt<T>(value: unknown, where: string, read: (value: unknown, where: string) => T): ReadonlyMap<string, T> {
  return new Map(Object.entries(objectAt(value, where)).map(([key, each]) => [key, read(each, `${where}.${key}`)]));
}

function listAt<T>(value: unknown, where: string, read: (value: unknown, where: string) => T): readonly T[] {
  if (!Array.isArray(value)) return damaged(where, 'a list');
  return value.map((each, i) => read(each, `${where}[${i}]`));
}

function textAt(value: unknown, where: string): string {
  return typeof value === 'string' && value.length <= MOST_TEXT ? value : damaged(where, 'a short text');
}

/** JSON has no NaN, but 1e999 is one of its numbers. */
function numberAt(value: unknown, where: string): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : damaged(where, 'a number');
}
