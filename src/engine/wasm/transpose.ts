/** Four rows of four floats into four columns. */
import type { Local } from './expression.ts';
import type { FunctionBuilder } from './function.ts';
import { i8x16, type V128 } from './simd.ts';

/** Byte indices for a shuffle of whole 32-bit lanes; 0 to 3 are of the first vector, 4 to 7 of the second. */
function lanes(...indices: readonly number[]): number[] {
  return indices.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
}

const low = lanes(0, 4, 1, 5);
const high = lanes(2, 6, 3, 7);
const lowHalves = lanes(0, 1, 4, 5);
const highHalves = lanes(2, 3, 6, 7);

export function transpose4(f: FunctionBuilder, rows: readonly V128[]): Local<'v128'>[] {
  const [a, b, c, d] = rows.map((row) => f.let(row));
  const ab = f.let(i8x16.shuffle(a!, b!, low));
  const cd = f.let(i8x16.shuffle(c!, d!, low));
  const abHigh = f.let(i8x16.shuffle(a!, b!, high));
  const cdHigh = f.let(i8x16.shuffle(c!, d!, high));
  return [
    i8x16.shuffle(ab, cd, lowHalves),
    i8x16.shuffle(ab, cd, highHalves),
    i8x16.shuffle(abHigh, cdHigh, lowHalves),
    i8x16.shuffle(abHigh, cdHigh, highHalves),
  ].map((column) => f.let(column));
}
