/**
 * What a device promises.
 *
 * `write`, `submit` and `read` take effect in the order they are called. Recording, writing and submitting never wait;
 * only `prepare`, `read` and `close` do. Nothing is allocated between `prepare` and `close` on the way of a token.
 */
import type { DType } from './kernel.ts';
import type { Command, Program, Tensor } from './program.ts';

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
  readonly kind: 'webgpu' | 'cpu' | 'reference';
  /** In words, for people: adapter or threads. */
  readonly description: string;
  /** Width of weight panels, see kernels/panels.ts. */
  readonly panelWidth: number;
  /** Largest tensor in bytes; larger matrices are split by the model into shards of whole panels. */
  readonly maxTensorBytes: number;
  /**
   * Memory that lives until `close`, or until `free`. Holds zeros.
   * @throws {DeviceError} `outOfMemory`
   */
  allocate(name: string, dtype: DType, shape: readonly number[], lifetime: 'weights' | 'state'): Tensor;
  free(tensor: Tensor): void;
  /** Copies from `data` at once; the caller may change it right after. */
  write(target: Tensor, data: Float32Array | Uint32Array, elementOffset?: number): void;
  /** Names of the kernel's variants that can run this command here, best first; `prepare` takes the first. */
  variants(command: Command): readonly string[];
  /** Makes programs ready. Those prepared together share their scratch memory. */
  prepare(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]>;
  submit(work: Executable, options?: SubmitOptions): void;
  /**
   * Elements `begin` to `end` of a tensor, once all earlier work is done. Errors of earlier work come out here.
   * @throws {DeviceError} `lost`, `outOfMemory`, `validation`
   */
  read(source: Tensor, begin?: number, end?: number): Promise<Float32Array | Uint32Array>;
  /** Settles when the device is gone: lost, or closed. */
  readonly lost: Promise<{ readonly reason: string }>;
  /** Gives everything back. Pending reads reject. */
  close(): Promise<void>;
}

/** `read` for an f32 tensor. */
export async function readFloats(device: Device, source: Tensor, begin?: number, end?: number): Promise<Float32Array> {
  const data = await device.read(source, begin, end);
  if (!(data instanceof Float32Array)) throw new TypeError(`${source.name} is not f32`);
  return data;
}

/** `read` for a u32 tensor. */
export async function readWords(device: Device, source: Tensor, begin?: number, end?: number): Promise<Uint32Array> {
  const data = await device.read(source, begin, end);
  if (!(data instanceof Uint32Array)) throw new TypeError(`${source.name} is not u32`);
  return data;
}
