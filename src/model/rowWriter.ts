/**
 * Rows of a weight matrix onto a device that packs panels itself: narrowed here, if they are, as `PanelWriter` and
 * `Int8PanelWriter` do it, then written one after the other, and moved when there are some.
 */
import { InternalError } from '../base/errors.ts';
import type { Device, Executable } from '../engine/device.ts';
import { type StorageArray, storageType } from '../engine/dtype.ts';
import { INTERLEAVED, int8Layout } from '../engine/int8.ts';
import type { Tensor } from '../engine/program.ts';
import { halvesOf } from './panelWriter.ts';
import { joinRows, RowQuantizer } from './rowQuantizer.ts';
import type { PackedType, RowUploads } from './rowUploads.ts';
import { floatsOf, type Int8Rows, type TensorData } from './tensorData.ts';

export interface RowTarget {
  /** [panels, k, P] of one type each: whole panels of one matrix, one after the other. */
  readonly tensors: readonly Tensor[];
  readonly dtype: PackedType;
  /** Of a convolution; 1 for other matrices. */
  readonly taps: number;
  /** Scales and zeros of the rows, if integers come. */
  readonly rows: readonly Int8Rows[];
}

export class RowWriter {
  readonly #device: Device;
  readonly #uploads: RowUploads;
  readonly #target: RowTarget;
  readonly #k: number;
  readonly #width: number;
  readonly #panels: number;
  readonly #staged: Tensor;
  /** Elements of a staged row: k, and in int8 what fills up an odd one. */
  readonly #rowLength: number;
  /** Of each row; zeros where none comes. */
  readonly #scales: Float32Array;
  readonly #zeros: Float32Array;
  readonly #quantizer: RowQuantizer;
  /** Elements that came so far, rows that were moved, and those of them that are in the tensor whose turn it is. */
  #count = 0;
  #moved = 0;
  #movedHere = 0;
  #tensor = 0;
  #mover: Executable | undefined;
  /** Elements that are staged; the last of them wait here until they are a whole word, for no less can be written. */
  #filled = 0;
  #rest: StorageArray;

  constructor(device: Device, uploads: RowUploads, target: RowTarget) {
    const { tensors, dtype, rows } = target;
    const [first] = tensors;
    if (!first) throw new InternalError('a matrix is in no tensor');
    const [, k = 1, width = 1] = first.shape;
    this.#device = device;
    this.#uploads = uploads;
    this.#target = target;
    this.#k = k;
    this.#width = width;
    this.#panels = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
    this.#staged = uploads.staged(first, dtype);
    const isInt8 = dtype === 'int8';
    this.#rowLength = isInt8 ? Math.ceil(k / INTERLEAVED) * INTERLEAVED : k;
    const { scales, zeros } = joinRows(rows, isInt8 ? this.#panels * width : 0);
    this.#scales = scales;
    this.#zeros = zeros;
    this.#quantizer = new RowQuantizer(isInt8 ? k : 0);
    this.#rest = storageType(dtype).view(new ArrayBuffer(0), 0, 0);
  }

  /** Row-major elements that follow those of the calls before. @throws {WeightsError} `outOfRange` for what f16 cannot hold */
  async add(data: TensorData): Promise<void> {
    const values = this.#stored(data);
    this.#count += data.values.length;
    for (let from = 0; from < values.length; ) {
      const tensor = this.#target.tensors[this.#tensor];
      if (!tensor) throw new InternalError('more rows came than there is room for');
      const rows = Math.min(this.#staged.shape[0]!, tensor.shape[0]! * this.#width - this.#movedHere);
      const count = Math.min(values.length - from, rows * this.#rowLength - this.#filled);
      this.#write(values.subarray(from, from + count));
      from += count;
      if (this.#filled === rows * this.#rowLength) await this.#move(tensor);
    }
  }

  /** Moves what is left. */
  async finish(): Promise<void> {
    const panels = Math.ceil(this.#count / this.#k / this.#width);
    if (panels !== this.#panels || this.#count % this.#k !== 0)
      throw new InternalError(`a matrix of ${this.#panels} panels of ${this.#k} came as ${this.#count} elements`);
    const tensor = this.#target.tensors[this.#tensor];
    if (tensor && this.#filled > 0) await this.#move(tensor);
  }

  /** As they are stored, rows that are quantised as soon as they are whole. */
  #stored(data: TensorData): StorageArray {
    const { dtype, tensors } = this.#target;
    if (dtype === 'f32') return floatsOf(data);
    if (dtype === 'int8') return data.dtype === 'int8' ? this.#filledUp(data.values) : this.#quantized(floatsOf(data));
    if (data.dtype === 'f16') return data.values;
    return halvesOf(tensors[this.#tensor]?.name ?? 'a matrix', floatsOf(data));
  }

  /** Integers, with a zero after each row of an odd number. */
  #filledUp(values: Int8Array): Int8Array {
    if (this.#rowLength === this.#k) return values;
    const column = this.#count % this.#k;
    const all = new Int8Array(values.length + Math.floor((column + values.length) / this.#k));
    let to = 0;
    for (let from = 0; from < values.length; ) {
      const end = Math.min(values.length, from + this.#k - ((column + from) % this.#k));
      all.set(values.subarray(from, end), to);
      to += end - from + 1;
      from = end;
    }
    return all;
  }

  #quantized(values: Float32Array): Int8Array {
    const { pending } = this.#quantizer;
    let row = (this.#count - pending) / this.#k;
    const rows = Math.floor((pending + values.length) / this.#k);
    const integers = new Int8Array(rows * this.#rowLength);
    let to = 0;
    this.#quantizer.add(values, (ofRow, { scale, zero }) => {
      integers.set(ofRow, to);
      to += this.#rowLength;
      this.#scales[row] = scale;
      this.#zeros[row] = zero;
      row++;
    });
    return integers;
  }

  #write(values: StorageArray): void {
    const { dtype } = this.#target;
    const { elementBytes } = storageType(dtype);
    const at = this.#filled - this.#rest.length;
    let all = values;
    if (this.#rest.length > 0) {
      const length = this.#rest.length + values.length;
      all = storageType(dtype).view(new ArrayBuffer(length * elementBytes), 0, length);
      all.set(this.#rest);
      all.set(values, this.#rest.length);
    }
    const whole = all.length - (all.length % (4 / elementBytes));
    if (whole > 0) this.#device.write(this.#staged, all.subarray(0, whole), at);
    this.#rest = all.slice(whole);
    this.#filled += values.length;
  }

  /** What is staged goes to its place in the tensor. */
  async #move(tensor: Tensor): Promise<void> {
    const { dtype, taps } = this.#target;
    const rows = this.#filled / this.#rowLength;
    const { elementBytes, scaleBlock } = storageType(dtype);
    if (this.#rest.length > 0) {
      this.#device.write(this.#staged, this.#rest, this.#filled - this.#rest.length);
      this.#rest = this.#rest.slice(this.#rest.length);
    }
    if (scaleBlock !== undefined) {
      const layout = int8Layout(this.#staged.shape, scaleBlock);
      for (const name of ['scales', 'zeros'] as const) {
        const all = name === 'scales' ? this.#scales : this.#zeros;
        const own = all.subarray(this.#moved, this.#moved + rows);
        this.#device.write(this.#staged, new Int8Array(own.buffer, own.byteOffset, own.byteLength), layout[name]);
      }
    }
    this.#mover ??= await this.#uploads.mover(this.#staged, tensor, taps);
    await this.#uploads.move(this.#mover, this.#movedHere, rows, this.#filled * elementBytes);
    this.#filled = 0;
    this.#moved += rows;
    this.#movedHere += rows;
    if (this.#movedHere < tensor.shape[0]! * this.#width) return;
    this.#tensor++;
    this.#movedHere = 0;
    this.#mover = undefined;
  }
}
