/**
 * The WebGPU device: tensors are buffers, programs are lists of dispatches, the queue keeps the order of calls.
 *
 * Errors that WebGPU tells late come out of the next `read`. After the first one the device is not to be used further.
 */
import { DeviceError, InternalError } from '../../base/errors.ts';
import type { Device, Executable, SubmitOptions } from '../../engine/device.ts';
import type { DType } from '../../engine/kernel.ts';
import { byteLength, type Command, elementCount, type Program, type Tensor } from '../../engine/program.ts';
import { openAdapter } from './adapter.ts';
import { Buffers } from './buffers.ts';
import { GpuExecutable, prepareProgram, submitProgram } from './encode.ts';
import { Failures } from './failures.ts';
import { Pipelines } from './pipelines.ts';
import { type CommandTime, type ProfileOptions, profileProgram } from './profile.ts';
import { Readback } from './readback.ts';
import { fittingVariants } from './variants.ts';

export interface WebGpuOptions {
  /** Take an adapter that is a CPU in truth (lavapipe, SwiftShader) when there is no other; false when absent. */
  readonly allowSoftware?: boolean;
}

export interface WebGpuDevice extends Device {
  readonly kind: 'webgpu';
  readonly isSoftware: boolean;
  /** Bytes of tensors and scratch. */
  readonly bytesHeld: number;
  /** Seconds that each command takes; see profile.ts. */
  profile(work: Executable, options?: ProfileOptions): Promise<readonly CommandTime[]>;
}

/**
 * Panels of 64 outputs: 16 neighbouring threads read the 256 contiguous bytes of one k as vec4f, a group of more
 * threads reads the next k's right behind, and it is the tile width of the matrix product.
 */
const PANEL_WIDTH = 64;

/** Written bytes after which the queue is kicked, so that its staging memory can be given back during an upload. */
const FLUSH_BYTES = 32 * 1024 * 1024;

/** @throws {DeviceError} `noAdapter`, `softwareAdapter`, `noDevice` */
export async function createWebGpuDevice(gpu: GPU, options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const { device, isSoftware, description } = await openAdapter(gpu, options.allowSoftware ?? false);
  const failures = new Failures(device);
  const buffers = new Buffers(device, failures);
  const pipelines = new Pipelines(device);
  const readback = new Readback(device);
  const traits = { features: device.features, isSoftware };
  let writtenBytes = 0;
  let isClosed = false;
  // Dawn for Node ends with the object that made it, and takes the process along if a device still lives.
  let implementation: GPU | undefined = gpu;

  const gpuWork = (work: Executable): GpuExecutable => {
    if (work instanceof GpuExecutable) return work;
    throw new InternalError(`${work.program.name} was prepared for another device`);
  };

  return {
    kind: 'webgpu',
    description,
    isSoftware,
    panelWidth: PANEL_WIDTH,
    maxTensorBytes: buffers.maxTensorBytes,
    lost: failures.lost,

    get bytesHeld() {
      return buffers.bytes;
    },

    allocate(name: string, dtype: DType, shape: readonly number[], lifetime: 'weights' | 'state'): Tensor {
      const tensor: Tensor = { name, dtype, shape, lifetime };
      buffers.allocate(tensor);
      return tensor;
    },

    free(tensor: Tensor): void {
      if (!isClosed) buffers.free(tensor);
    },

    write(target: Tensor, data: Float32Array | Uint32Array, elementOffset = 0): void {
      if (isClosed) return;
      checkRange(target, elementOffset, elementOffset + data.length);
      // @types/node and lib.dom disagree on whether a view may lie on shared memory; ours never does on this road.
      const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      device.queue.writeBuffer(buffers.of(target), elementOffset * 4, bytes);
      writtenBytes += data.byteLength;
      if (writtenBytes < FLUSH_BYTES) return;
      device.queue.submit([]);
      writtenBytes = 0;
    },

    async prepare(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]> {
      signal?.throwIfAborted();
      const parts = { device, buffers, pipelines, traits };
      const prepared = await Promise.all(programs.map((program) => prepareProgram(program, parts)));
      signal?.throwIfAborted();
      await failures.check();
      return prepared;
    },

    submit(work: Executable, { rows, times = 1 }: SubmitOptions = {}): void {
      // `until` may be ignored: kernels see to it that further repetitions change nothing.
      if (!isClosed) submitProgram(device, gpuWork(work), rows, times);
    },

    async read(source: Tensor, begin = 0, end = elementCount(source.shape)): Promise<Float32Array | Uint32Array> {
      checkRange(source, begin, end);
      if (isClosed) throw new DeviceError('lost', `Reading ${source.name}: the device is closed.`);
      const buffer = buffers.of(source);
      let bytes: ArrayBuffer;
      try {
        bytes = await readback.read(buffer, begin * 4, end * 4);
      } catch (cause) {
        await failures.check();
        await lostSoon(failures);
        throw new DeviceError('lost', `Reading ${source.name} failed: ${String(cause)}`, { cause });
      }
      await failures.check();
      return source.dtype === 'f32' ? new Float32Array(bytes) : new Uint32Array(bytes);
    },

    variants(command: Command): readonly string[] {
      return fittingVariants(command, traits).map(({ variant }) => variant.name);
    },

    async profile(work: Executable, profileOptions?: ProfileOptions): Promise<readonly CommandTime[]> {
      const times = await profileProgram(device, gpuWork(work), profileOptions);
      await failures.check();
      return times;
    },

    async close(): Promise<void> {
      if (isClosed || !implementation) return;
      isClosed = true;
      buffers.destroy();
      readback.destroy();
      device.destroy();
      await failures.lost;
      implementation = undefined;
    },
  };
}

function checkRange(tensor: Tensor, begin: number, end: number): void {
  if (begin >= 0 && begin <= end && end * 4 <= byteLength(tensor)) return;
  throw new InternalError(`elements ${begin}..${end} are not in ${tensor.name} [${tensor.shape.join(', ')}]`);
}

/** A failed map tells no reason; `lost` does, a moment later. */
async function lostSoon(failures: Failures): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, 100);
  });
  await Promise.race([failures.lost, patience]);
  clearTimeout(timer);
  await failures.check();
}
