/**
 * Rows of a weight matrix into panels of int8 with one scale and zero a row (engine/int8.ts): integers of a file are moved to their
 * places as they are, values are quantised as soon as a row of them is there.
 */
import { InternalError } from '../base/errors.ts';
import type { Device } from '../engine/device.ts';
import { INTERLEAVED, type Int8Layout, int8Layout, placeOf } from '../engine/int8.ts';
import type { Tensor } from '../engine/program.ts';
import { PanelCursor, type Staging } from './panelWriter.ts';
import { joinRows, RowQuantizer } from './rowQuantizer.ts';
import { floatsOf, type Int8Rows, type TensorData } from './tensorData.ts';

/** Bytes that are gathered before they go to the device, unless one panel has more. */
const STAGED_BYTES = 2 ** 19;

export class Int8PanelWriter {
  readonly #device: Device;
  readonly #cursor: PanelCursor;
  readonly #k: number;
  readonly #width: number;
  readonly #panelBytes: number;
  /** Panels that are gathered. */
  readonly #group: number;
  readonly #staged: Int8Array;
  /** Of each row, and zeros for the lanes of the last panel that no row comes for, whatever integers are there. */
  readonly #scales: Float32Array;
  /** Of each row. */
  readonly #zeros: Float32Array;
  readonly #quantizer: RowQuantizer;
  /** Elements that came so far. */
  #count = 0;

  /**
   * @param tensors int8, [panels, k, P] each: whole panels of one matrix, one after the other
   * @param rows    scales and zeros of the rows, if integers come; values have none
   */
  constructor(device: Device, staging: Staging, tensors: readonly Tensor[], rows: readonly Int8Rows[] = []) {
    const [, k = 1, width = 1] = tensors[0]?.shape ?? [];
    const { groups } = layoutOf(1, k, width);
    this.#device = device;
    this.#cursor = new PanelCursor(tensors);
    this.#k = k;
    this.#width = width;
    this.#panelBytes = groups * width * INTERLEAVED;
    this.#group = Math.max(1, Math.floor(STAGED_BYTES / this.#panelBytes));
    this.#staged = staging.integers(this.#group * this.#panelBytes);
    // What fills up an odd k.
    if (k % INTERLEAVED !== 0) this.#staged.fill(0);
    const { scales, zeros } = joinRows(rows, this.#cursor.room * width);
    this.#scales = scales;
    this.#zeros = zeros;
    this.#quantizer = new RowQuantizer(k);
  }

  /** Row-major elements that follow those of the calls before: integers, or values. */
  add(data: TensorData): void {
    if (data.dtype === 'int8') {
      this.#addIntegers(data.values);
      return;
    }
    this.#quantizer.add(floatsOf(data), (integers, { scale, zero }) => {
      const row = this.#count / this.#k;
      this.#scales[row] = scale;
      this.#zeros[row] = zero;
      this.#addIntegers(integers);
    });
  }

  /** Writes what is left. */
  finish(): void {
    const count = this.#count + this.#quantizer.pending;
    const panels = Math.ceil(count / this.#k / this.#width);
    if (panels !== this.#cursor.room || count % this.#k !== 0)
      throw new InternalError(`a matrix of ${this.#cursor.room} panels of ${this.#k} came as ${count} elements`);
    this.#flush(panels - this.#cursor.written);
  }

  #addIntegers(values: Int8Array): void {
    for (let from = 0; from < values.length; ) {
      const column = this.#count % this.#k;
      const row = (this.#count - column) / this.#k;
      const lane = row % this.#width;
      const panel = (row - lane) / this.#width - this.#cursor.written;
      if (panel === this.#group) {
        this.#flush(panel);
        continue;
      }
      const count = Math.min(this.#k - column, values.length - from);
      this.#scatter(values, from, count, column, panel * this.#panelBytes + lane * INTERLEAVED);
      from += count;
      this.#count += count;
    }
  }

  /** @param lane where the first inputs of the row are */
  #scatter(values: Int8Array, from: number, count: number, column: number, lane: number): void {
    const stride = this.#width * INTERLEAVED;
    const start = values.byteOffset + from;
    if ((start | count | column) % INTERLEAVED === 0) {
      // What lies side by side at once.
      const pairs = new Int16Array(values.buffer, start, count / INTERLEAVED);
      const staged = new Int16Array(this.#staged.buffer, this.#staged.byteOffset);
      let at = (lane + (column / INTERLEAVED) * stride) / INTERLEAVED;
      for (let i = 0; i < pairs.length; i++, at += this.#width) staged[at] = pairs[i]!;
      return;
    }
    for (let i = 0; i < count; i++) {
      const input = column + i;
      this.#staged[placeOf(lane, input, this.#width)] = values[from + i]!;
    }
  }

  #flush(panels: number): void {
    const first = this.#cursor.written;
    this.#cursor.take(panels, (tensor, to, from, count) => {
      const layout = layoutOf(tensor.shape[0]!, this.#k, this.#width);
      const bytes = this.#staged.subarray(from * this.#panelBytes, (from + count) * this.#panelBytes);
      this.#device.write(tensor, bytes, to * this.#panelBytes);
      for (const name of ['scales', 'zeros'] as const) {
        const all = name === 'scales' ? this.#scales : this.#zeros;
        const rows = all.subarray((first + from) * this.#width, (first + from + count) * this.#width);
        const own = new Int8Array(rows.buffer, rows.byteOffset, rows.byteLength);
        this.#device.write(tensor, own, layout[name] + to * this.#width * Float32Array.BYTES_PER_ELEMENT);
      }
    });
  }
}

function layoutOf(panels: number, k: number, width: number): Int8Layout {
  return int8Layout([panels, k, width], Number.POSITIVE_INFINITY);
}
