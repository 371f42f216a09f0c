/** Rows of values that come in pieces of any length, as integers, each as soon as it is there (engine/int8.ts). */
import { quantizeRow, type RowScale } from '../engine/int8.ts';
import type { Int8Rows } from './tensorData.ts';

/** Scales and zeros of the rows of all parts of a matrix, one after the other; zeros for the rows after them. */
export function joinRows(
  parts: readonly Int8Rows[],
  count: number,
): Readonly<Record<'scales' | 'zeros', Float32Array>> {
  const joined = { scales: new Float32Array(count), zeros: new Float32Array(count) };
  let at = 0;
  for (const { scales, zeros } of parts) {
    joined.scales.set(scales, at);
    if (zeros) joined.zeros.set(zeros, at);
    at += scales.length;
  }
  return joined;
}

export class RowQuantizer {
  /** The row that is coming, and what it becomes. */
  readonly #row: Float32Array;
  readonly #integers: Int8Array;
  /** Values of the row that are there. */
  pending = 0;

  constructor(k: number) {
    this.#row = new Float32Array(k);
    this.#integers = new Int8Array(k);
  }

  /** @param onRow gets k integers, which it may not keep */
  add(values: Float32Array, onRow: (integers: Int8Array, scale: RowScale) => void): void {
    const { length: k } = this.#row;
    for (let from = 0; from < values.length; ) {
      const count = Math.min(k - this.pending, values.length - from);
      if (count === k) this.#quantize(values, from, onRow);
      else {
        this.#row.set(values.subarray(from, from + count), this.pending);
        this.pending += count;
        if (this.pending === k) {
          this.pending = 0;
          this.#quantize(this.#row, 0, onRow);
        }
      }
      from += count;
    }
  }

  #quantize(values: Float32Array, at: number, onRow: (integers: Int8Array, scale: RowScale) => void): void {
    const scale = quantizeRow(values, at, at + this.#row.length, this.#integers, 0);
    onRow(this.#integers, scale);
  }
}
