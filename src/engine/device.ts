/**
 * What a device promises.
 *
 * `write`, `submit` and `read` take effect in the order they are called. Recording, writing and submitting never wait;
 * only `prepare`, `read` and `close` do. Nothing is allocated between `prepare` and `close` on the way of a token.
 */
import { type DType, type Shape, type StorageArray, storageBytes, storageType } from './dtype.ts';
import { byteLength, type Command, type Program, type Tensor } from './program.ts';
import type { GpuFeatures } from './wgsl/features.ts';

/** A program made ready for one device: variants chosen, code compiled, scratch placed, arguments bound. */
export interface Executable {
  readonly program: Program;
}

export interface SubmitOptions {
  /** Live rows of the commands that have a dim `rows`; all when absent. */
  readonly rows?: number;
  /** Run the program this many times in order (1 when absent). */
  readonly times?: number;
  /**
   * u32 state tensor: once its first element is not 0, further repetitions need not run (a device may skip them, and
   * kernels see to it that running them changes nothing).
   */
  readonly until?: Tensor;
}

export interface Device {
  /** `webgpu`, `cpu`, or what another device calls itself. */
  readonly kind: string;
  /** In words, for people: adapter or threads. */
  readonly description: string;
  /** A processor plays the GPU (SwiftShader, lavapipe): right, and slow. */
  readonly isSoftware?: boolean;
  /** What a GPU has beyond the core of WebGPU. */
  readonly gpu?: GpuFeatures;
  /** Width of weight panels, see kernels/matmul/panels.ts. */
  readonly panelWidth: number;
  /** Positions of cross-attention's cached keys that lie side by side, see kernels/attention/crossCache.ts. */
  readonly crossPanelWidth: number;
  /**
   * Every command costs it so much that a decoding step of few rows is better made of fewer kernels that do more
   * (kernels/step).
   */
  readonly wantsFusedSteps?: boolean;
  /** Rows of weights are written as they come, and moved into panels by a kernel (kernels/matmul/packPanels.ts). */
  readonly packsPanels?: boolean;
  /** Largest tensor in bytes; larger matrices are split by the model into shards of whole panels. */
  readonly maxTensorBytes: number;
  /** Bytes that there is room for, those that are held among them; absent: not known. */
  readonly room?: number | undefined;
  /** Bytes of all tensors and scratch that are held now. */
  readonly bytesHeld: number;
  /**
   * Memory that lives until `close`, or until `free`. Holds zeros.
   * @throws {DeviceError} `outOfMemory`
   */
  allocate(name: string, dtype: DType, shape: Shape, lifetime: 'weights' | 'state'): Tensor;
  free(tensor: Tensor): void;
  /**
   * Copies stored elements (dtype.ts), bytes of a tensor with scales, from `data` at once; the caller may change it right
   * after.
   */
  write(target: Tensor, data: StorageArray, elementOffset?: number): void;
  /** Names of the kernel's variants that can run this command here with so many live rows (all when absent), best first. */
  variants(command: Command, liveRows?: number): Promise<readonly string[]>;
  /** Makes programs ready. Those prepared together share their scratch memory. */
  prepare(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]>;
  submit(work: Executable, options?: SubmitOptions): void;
  /** Submits, waits, and says how many milliseconds it took by the device's own clock; absent where it has none. */
  readonly measure?: ((work: Executable, options?: SubmitOptions) => Promise<number>) | undefined;
  /**
   * Stored elements `begin` to `end` of a tensor, bytes of one with scales, once all earlier work is done. Errors of earlier
   * work come out here.
   * @throws {DeviceError} `lost`, `outOfMemory`, `validation`
   */
  read(source: Tensor, begin?: number, end?: number): Promise<StorageArray>;
  /** Settles when the device is gone: lost, or closed. */
  readonly lost: Promise<{ readonly reason: string }>;
  /** Gives everything back. Pending reads reject. */
  close(): Promise<void>;
}

/** A range of a tensor in bytes. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** Stored elements `begin` to `end` as bytes of the tensor; undefined if the tensor does not have them. */
export function byteRange(tensor: Tensor, begin: number, end: number): ByteRange | undefined {
  const { elementBytes } = storageType(tensor.dtype);
  if (begin < 0 || begin > end || end * elementBytes > byteLength(tensor)) return undefined;
  return { begin: begin * elementBytes, end: end * elementBytes };
}

/** How many stored elements a tensor has: what `write` takes and `read` gives when all of it is meant. */
export function storedLength({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): number {
  return storageBytes(dtype, shape) / storageType(dtype).elementBytes;
}

/** `read` for a tensor of a real type: its values. */
export async function readFloats(device: Device, source: Tensor, begin?: number, end?: number): Promise<Float32Array> {
  const stored = await device.read(source, begin, end);
  const values = storageType(source.dtype).widen(stored, source.shape);
  if (!(values instanceof Float32Array)) throw new TypeError(`${source.name} holds integers`);
  return values;
}

/** `read` for a u32 tensor. */
export async function readWords(device: Device, source: Tensor, begin?: number, end?: number): Promise<Uint32Array> {
  const data = await device.read(source, begin, end);
  if (!(data instanceof Uint32Array)) throw new TypeError(`${source.name} is not u32`);
  return data;
}

/** `prepare` for programs that have names: the executables under the same ones. */
export async function prepareNamed<K extends string>(
  device: Device,
  programs: Readonly<Record<K, Program>>,
  signal?: AbortSignal,
): Promise<Readonly<Record<K, Executable>>> {
  const names = Object.keys(programs) as K[]; // its keys, and no others
  const ready = await device.prepare(
    names.map((name) => programs[name]),
    signal,
  );
  return Object.fromEntries(names.map((name, i) => [name, ready[i]])) as Record<K, Executable>; // one a name
}
