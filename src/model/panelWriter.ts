/**
 * Rows of a weight matrix, as they come from a file, into panels (kernels/matmul/panels.ts) on the device: some panels at a
 * time through a small array that all matrices share. What goes through fresh memory costs more than the reading.
 */
import { InternalError, WeightsError } from '../base/errors.ts';
import { narrowF16 } from '../base/float16.ts';
import type { Device } from '../engine/device.ts';
import { storageType, type WeightType } from '../engine/dtype.ts';
import { int8Layout } from '../engine/int8.ts';
import type { Tensor } from '../engine/program.ts';
import type { RowUploads } from './rowUploads.ts';
import { floatsOf, type TensorData } from './tensorData.ts';

/** Elements that are gathered before they go to the device, unless one panel has more. */
const STAGED_ELEMENTS = 2 ** 16;

/** The arrays that matrices share: one for values, one for the bits of f16, one for integers. */
export class Staging {
  #floats = new Float32Array();
  #halves = new Uint16Array();
  #integers = new Int8Array();
  /** Where the device moves rows itself. */
  uploads?: RowUploads;

  floats(length: number): Float32Array {
    if (this.#floats.length < length) this.#floats = new Float32Array(length);
    return this.#floats.subarray(0, length);
  }

  halves(length: number): Uint16Array {
    if (this.#halves.length < length) this.#halves = new Uint16Array(length);
    return this.#halves.subarray(0, length);
  }

  integers(length: number): Int8Array {
    if (this.#integers.length < length) this.#integers = new Int8Array(length);
    return this.#integers.subarray(0, length);
  }
}

/** Hands out the panels of a matrix in order, which may be in several tensors. */
export class PanelCursor {
  readonly #tensors: readonly Tensor[];
  #tensor = 0;
  #writtenHere = 0;
  /** Panels that were handed out, and that there are. */
  written = 0;
  readonly room: number;

  /** @param tensors [panels, k, P] each */
  constructor(tensors: readonly Tensor[]) {
    this.#tensors = tensors;
    this.room = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  }

  /** @param write is told where the next `panels` are: `count` from the `from`th of these on go to the tensor's `to`th on */
  take(panels: number, write: (tensor: Tensor, to: number, from: number, count: number) => void): void {
    for (let done = 0; done < panels; ) {
      const tensor = this.#tensors[this.#tensor];
      if (!tensor) throw new InternalError('more panels came than there is room for');
      const count = Math.min(panels - done, tensor.shape[0]! - this.#writtenHere);
      write(tensor, this.#writtenHere, done, count);
      done += count;
      this.#writtenHere += count;
      if (this.#writtenHere === tensor.shape[0]) {
        this.#tensor++;
        this.#writtenHere = 0;
      }
    }
    this.written += panels;
  }
}

export interface PanelTarget {
  /** [panels, k, P] of one type each: whole panels of one matrix, one after the other. */
  readonly tensors: readonly Tensor[];
  readonly dtype: WeightType;
  /** All that comes is f16, and stays as it is. */
  readonly areBits: boolean;
}

export class PanelWriter {
  readonly #device: Device;
  readonly #target: PanelTarget;
  readonly #cursor: PanelCursor;
  readonly #k: number;
  readonly #width: number;
  /** Panels that are gathered. */
  readonly #group: number;
  readonly #staged: Float32Array | Uint16Array;
  /** Elements that came so far. */
  #count = 0;

  constructor(device: Device, staging: Staging, target: PanelTarget) {
    const [, k = 1, width = 1] = target.tensors[0]?.shape ?? [];
    this.#device = device;
    this.#target = target;
    this.#cursor = new PanelCursor(target.tensors);
    this.#k = k;
    this.#width = width;
    this.#group = Math.max(1, Math.floor(STAGED_ELEMENTS / (k * width)));
    const length = this.#group * k * width;
    this.#staged = target.areBits ? staging.halves(length) : staging.floats(length);
  }

  /** Row-major elements that follow those of the calls before. @throws {WeightsError} `outOfRange` for what f16 cannot hold */
  add(data: TensorData): void {
    const values = this.#target.areBits && data.dtype === 'f16' ? data.values : floatsOf(data);
    for (let from = 0; from < values.length; ) {
      const column = this.#count % this.#k;
      const row = (this.#count - column) / this.#k;
      const lane = row % this.#width;
      const panel = (row - lane) / this.#width - this.#cursor.written;
      if (panel === this.#group) this.#flush(panel);
      else {
        const count = Math.min(this.#k - column, values.length - from);
        const to = (panel * this.#k + column) * this.#width + lane;
        scatter(values, from, count, this.#staged, to, this.#width);
        from += count;
        this.#count += count;
      }
    }
  }

  /** Writes what is left. @throws as `add` */
  finish(): void {
    const panels = Math.ceil(this.#count / this.#k / this.#width);
    const { room, written } = this.#cursor;
    if (panels !== room || this.#count % this.#k !== 0)
      throw new InternalError(`a matrix of ${room} panels of ${this.#k} came as ${this.#count} elements`);
    this.#clearRest(panels);
    this.#flush(panels - written);
  }

  #flush(panels: number): void {
    this.#cursor.take(panels, (tensor, to, from, count) => this.#write(tensor, to, from, count));
  }

  /** Zeros in the lanes of the last panel that no row came for; every other lane was written over. */
  #clearRest(panels: number): void {
    const rows = this.#count / this.#k - (panels - 1) * this.#width;
    const first = (panels - 1 - this.#cursor.written) * this.#k * this.#width;
    for (let at = first; at < first + this.#k * this.#width; at += this.#width)
      this.#staged.fill(0, at + rows, at + this.#width);
  }

  /** Panels `from` on of what is gathered, to the tensor's panels from `to` on. */
  #write(tensor: Tensor, to: number, from: number, count: number): void {
    const { dtype } = this.#target;
    const panelElements = this.#k * this.#width;
    const values = this.#staged.subarray(from * panelElements, (from + count) * panelElements);
    if (values instanceof Uint16Array) {
      this.#device.write(tensor, values, to * panelElements);
      return;
    }
    const shape = [count, this.#k, this.#width];
    const type = storageType(dtype);
    const stored = dtype === 'f16' ? halvesOf(tensor.name, values) : type.narrow(values, shape);
    if (type.scaleBlock === undefined) {
      this.#device.write(tensor, stored, to * panelElements);
      return;
    }
    // The integers, the scales and the zeros, each to where the whole tensor has them.
    const { scales, zeros } = int8Layout(shape, type.scaleBlock);
    const all = int8Layout(tensor.shape, type.scaleBlock);
    const floats = to * ((zeros - scales) / count);
    this.#device.write(tensor, stored.subarray(0, scales), to * (scales / count));
    this.#device.write(tensor, stored.subarray(scales, zeros), all.scales + floats);
    this.#device.write(tensor, stored.subarray(zeros), all.zeros + floats);
  }
}

function scatter(
  from: Float32Array | Uint16Array,
  first: number,
  count: number,
  to: Float32Array | Uint16Array,
  at: number,
  stride: number,
): void {
  for (let i = first; i < first + count; i++, at += stride) to[at] = from[i]!;
}

/** @throws {WeightsError} `outOfRange`: weights that f16 cannot hold would be infinite without a word */
export function halvesOf(name: string, values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  const lost = narrowF16(values, halves);
  if (lost < 0) return halves;
  throw new WeightsError('outOfRange', `${name} holds ${values[lost]}, too large for f16.`, {
    hint: 'Load the model with dtype f32.',
  });
}
