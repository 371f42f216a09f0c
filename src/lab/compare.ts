/** One output of a kernel against its reference, element by element. */
import type { HostArray } from '../engine/dtype.ts';
import type { Tolerance } from '../engine/kernel.ts';
import type { Tensor } from '../engine/program.ts';

/** |error| over its bound, the largest of each block of neighbours: rows x columns, row-major. */
export interface ErrorMap {
  readonly rows: number;
  readonly columns: number;
  /** Elements along a row and along a column that one entry stands for. */
  readonly rowsEach: number;
  readonly columnsEach: number;
  /** At most 1 where right; more than 1e6, infinite and NaN are 1e6, so that it can be written as JSON. */
  readonly ratios: readonly number[];
}

export interface Comparison {
  readonly arg: string;
  readonly shape: readonly number[];
  /** Elements compared, those outside of their bound, and those of them that are NaN. */
  readonly count: number;
  readonly wrong: number;
  readonly nans: number;
  /** Largest |error| over its bound. */
  readonly ratio: number;
  /** Where that is, with what came and what was wanted; absent where nothing differs. */
  readonly worst?: {
    readonly index: number;
    readonly got: number;
    readonly wanted: number;
    /** The bound of this element. */
    readonly within: number;
  };
  readonly map: ErrorMap;
  /** In a sentence; absent when right. */
  readonly failure?: string;
}

const LARGEST = 1e6;
const MAP_ROWS = 32;
const MAP_COLUMNS = 64;

/** @param count elements of the tensor that are compared, from the first on */
export function compare(
  tensor: Tensor,
  actual: HostArray,
  expected: HostArray,
  count: number,
  { absolute, relative }: Tolerance,
): Comparison {
  let largest = 0;
  for (let i = 0; i < count; i++) largest = Math.max(largest, finite(expected[i]!));
  const isHalf = tensor.dtype === 'f16';
  const computed = actual instanceof Float32Array ? absolute + relative * largest : 0;
  // A half is rounded to one of its two neighbours; a value near the middle of them may go to either.
  const boundAt = (value: number): number => (isHalf ? computed + finite(value) * 2 ** -10 + 2 ** -24 : computed);
  const map = emptyMap(tensor.shape, count);
  let [ratio, at, wrong, nans] = [0, -1, 0, 0];
  for (let i = 0; i < count; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const error = Math.abs(a - e);
    const bound = boundAt(e);
    const r = Number.isNaN(error) || bound === 0 ? Number.POSITIVE_INFINITY : error / bound;
    map.note(i, r);
    if (r > 1) wrong++;
    if (Number.isNaN(a)) nans++;
    if (r > ratio) {
      ratio = r;
      at = i;
    }
  }
  const common = { arg: tensor.name, shape: tensor.shape, count, wrong, nans, ratio, map: map.done() };
  if (at < 0) return common;
  const worst = { index: at, got: actual[at]!, wanted: expected[at]!, within: boundAt(expected[at]!) };
  if (ratio <= 1) return { ...common, worst };
  const within = worst.within.toExponential(1);
  return {
    ...common,
    worst,
    failure: `${tensor.name}[${at}] is ${worst.got}, should be ${worst.wanted} within ${within}`,
  };
}

/** Masked values (-1e30) do not widen the bound. */
function finite(x: number): number {
  return Math.abs(x) < 1e29 ? Math.abs(x) : 0;
}

/** The last dim lies along a row; the others, joined, along a column. */
function emptyMap(shape: readonly number[], count: number): { note(i: number, r: number): void; done(): ErrorMap } {
  const width = Math.max(1, Math.min(count, shape.at(-1) ?? 1));
  const height = Math.max(1, Math.ceil(count / width));
  const columnsEach = Math.ceil(width / MAP_COLUMNS);
  const rowsEach = Math.ceil(height / MAP_ROWS);
  const columns = Math.ceil(width / columnsEach);
  const rows = Math.ceil(height / rowsEach);
  const ratios = new Array<number>(rows * columns).fill(0);
  return {
    note(i, r) {
      const cell = Math.floor(Math.floor(i / width) / rowsEach) * columns + Math.floor((i % width) / columnsEach);
      ratios[cell] = Math.max(ratios[cell]!, Math.min(r, LARGEST));
    },
    done: () => ({ rows, columns, rowsEach, columnsEach, ratios }),
  };
}
