/**
 * Memory of a device through which rows of weights go into panels: a tensor for each length of rows, which all matrices of
 * that length share. What is written and moved is queued without waiting, up to a bound.
 */
import { type Device, type Executable, prepareNamed } from '../engine/device.ts';
import { storageBytes } from '../engine/dtype.ts';
import { record, type Tensor } from '../engine/program.ts';
import { type PACKED_TYPES, packPanels } from '../kernels/matmul/packPanels.ts';

export type PackedType = (typeof PACKED_TYPES)[number];

/** Of one tensor. A model has rows of three or four lengths. */
const STAGED_BYTES = 4 * 2 ** 20;

/**
 * Between two questions whether the device has come so far, of which one is open: a queue keeps a copy of what it has not done.
 * The second is asked long before the first is waited for, since an answer takes 100 ms in Firefox.
 */
const FENCE_BYTES = 32 * 2 ** 20;

export class RowUploads {
  readonly #device: Device;
  readonly #tensors = new Map<string, Tensor>();
  #place: Tensor | undefined;
  /** Bytes since the last question, and its answer. */
  #asked = 0;
  #answer: Promise<unknown> | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Room for rows as a matrix has them, [rows, k]: as many as whole panels take. @param matrix [panels, k, P] */
  staged({ shape: [, k = 1, width = 1] }: Tensor, dtype: PackedType): Tensor {
    const key = `${dtype} ${k}`;
    let tensor = this.#tensors.get(key);
    if (!tensor) {
      const most = Math.min(STAGED_BYTES, this.#device.maxTensorBytes);
      const panels = Math.max(1, Math.floor(most / storageBytes(dtype, [width, k])));
      tensor = this.#device.allocate(`rows of ${key}`, dtype, [panels * width, k], 'state');
      this.#tensors.set(key, tensor);
    }
    return tensor;
  }

  /** What moves staged rows into a matrix. */
  async mover(staged: Tensor, w: Tensor, taps: number): Promise<Executable> {
    const place = this.#places();
    const program = record('packPanels', (p) => p.run(packPanels, { staged, place, w }, { taps }));
    return (await prepareNamed(this.#device, { program })).program;
  }

  /** Rows `first` to `first + count` of the matrix are staged: moves them. */
  async move(mover: Executable, first: number, count: number, bytes: number): Promise<void> {
    const place = this.#places();
    this.#device.write(place, Uint32Array.of(first, count));
    this.#device.submit(mover, { rows: count });
    this.#asked += bytes;
    if (this.#asked < FENCE_BYTES) return;
    this.#asked = 0;
    const before = this.#answer;
    this.#answer = this.#device.read(place, 0, 1);
    // Who waits for it gets its error; after the last one, the next read.
    this.#answer.catch(() => {});
    await before;
  }

  /** What is queued is done first. It may be used again. */
  free(): void {
    for (const tensor of this.#tensors.values()) this.#device.free(tensor);
    this.#tensors.clear();
    if (this.#place) this.#device.free(this.#place);
    this.#place = undefined;
  }

  #places(): Tensor {
    this.#place ??= this.#device.allocate('place of rows', 'u32', [2], 'state');
    return this.#place;
  }
}
