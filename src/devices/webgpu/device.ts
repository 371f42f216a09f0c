/**
 * The WebGPU device: tensors are buffers, programs are lists of dispatches, the queue keeps the order of calls.
 *
 * Errors that WebGPU reports late come out of the next `read`. After the first one the device is not to be used further.
 */
import { DeviceError, InternalError } from '../../base/errors.ts';
import type { CompilerMessage } from '../../engine/compilerMessage.ts';
import {
  type ByteRange,
  byteRange,
  type Device,
  type Executable,
  type SubmitOptions,
  storedLength,
} from '../../engine/device.ts';
import { type DType, type Shape, type StorageArray, storageType } from '../../engine/dtype.ts';
import type { Command, Program, Tensor } from '../../engine/program.ts';
import { fittingVariants, loadVariants } from '../../engine/selectVariant.ts';
import type { FindTuning } from '../../engine/wgsl/tuning.ts';
import { openAdapter } from './adapter.ts';
import { Buffers } from './buffers.ts';
import { FLOPS_A_SUBMIT, GpuExecutable, prepareProgram, submitProgram } from './encode.ts';
import { Failures } from './failures.ts';
import { Pipelines } from './pipelines.ts';
import { Readback } from './readback.ts';
import { Submits } from './submits.ts';
import { wgslKind } from './variants.ts';

export interface WebGpuOptions {
  /** Take an adapter that is a CPU in truth (lavapipe, SwiftShader) when there is no other; false when absent. */
  readonly allowSoftware?: boolean;
  /** Decoding steps in fused kernels; when absent on hardware only, where a launch costs more than a barrier. */
  readonly fusedSteps?: boolean;
  /** Knows which variants were measured to be the fastest on an adapter; rules of thumb alone when absent. */
  readonly tuning?: FindTuning | undefined;
  /** Weights are put into panels on the GPU; when absent on hardware only. */
  readonly packsPanels?: boolean;
}

export interface WebGpuDevice extends Device {
  readonly kind: 'webgpu';
  readonly isSoftware: boolean;
  /** What the compiler says of a shader; nothing is kept of it. */
  compileMessages(wgsl: string): Promise<readonly CompilerMessage[]>;
}

/**
 * Panels of 64 outputs: 16 neighbouring threads read the 256 contiguous bytes of one k as vec4f, a group of more
 * threads reads the next k's right after them, and it is the tile width of the matrix product.
 */
const PANEL_WIDTH = 64;

/** Written bytes after which the queue is kicked, so that its staging memory can be given back during an upload. */
const FLUSH_BYTES = 32 * 1024 * 1024;

/** @throws {DeviceError} `noAdapter`, `softwareAdapter`, `noDevice` */
export async function createWebGpuDevice(gpu: GPU, options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const { device, isSoftware, description, info, features } = await openAdapter(gpu, options.allowSoftware ?? false);
  const failures = new Failures(device);
  const buffers = new Buffers(device, failures);
  const pipelines = new Pipelines(device);
  const submits = new Submits(device.queue, FLOPS_A_SUBMIT);
  const readback = new Readback(device, submits);
  const prefers = await options.tuning?.(info, features);
  const kind = wgslKind(isSoftware, features, prefers);
  let writtenBytes = 0;
  let isClosed = false;

  const gpuWork = (work: Executable): GpuExecutable => {
    if (work instanceof GpuExecutable) return work;
    throw new InternalError(`${work.program.name} was prepared for another device`);
  };

  return {
    kind: 'webgpu',
    description: prefers ? `${description}, tuned` : description,
    isSoftware,
    gpu: features,
    panelWidth: PANEL_WIDTH,
    crossPanelWidth: 1,
    wantsFusedSteps: options.fusedSteps ?? !isSoftware,
    packsPanels: options.packsPanels ?? !isSoftware,
    maxTensorBytes: buffers.maxTensorBytes,
    lost: failures.lost,

    get bytesHeld() {
      return buffers.bytes;
    },

    allocate(name: string, dtype: DType, shape: Shape, lifetime: 'weights' | 'state'): Tensor {
      const tensor: Tensor = { name, dtype, shape, lifetime };
      buffers.allocate(tensor);
      return tensor;
    },

    free(tensor: Tensor): void {
      submits.flush();
      if (!isClosed) buffers.free(tensor);
    },

    write(target: Tensor, data: StorageArray, elementOffset = 0): void {
      if (isClosed) return;
      const { begin } = checkRange(target, elementOffset, elementOffset + data.length);
      submits.flush();
      device.queue.writeBuffer(buffers.of(target), begin, wholeWords(data));
      writtenBytes += data.byteLength;
      if (writtenBytes < FLUSH_BYTES) return;
      device.queue.submit([]);
      writtenBytes = 0;
    },

    async prepare(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]> {
      signal?.throwIfAborted();
      const parts = { device, buffers, pipelines, kind, gpu: features };
      const prepared = await Promise.all(programs.map((program) => prepareProgram(program, parts)));
      signal?.throwIfAborted();
      await failures.check();
      return prepared;
    },

    submit(work: Executable, { rows, times = 1 }: SubmitOptions = {}): void {
      // `until` may be ignored: kernels see to it that further repetitions change nothing.
      if (!isClosed) submitProgram({ device, submits }, gpuWork(work), rows, times);
    },

    measure: device.features.has('timestamp-query')
      ? async (work, { rows, times = 1 } = {}) => {
          const { timedRun } = await import('./timestamps.ts');
          submits.flush();
          const nanoseconds = await timedRun(device, (pass) => gpuWork(work).encode(pass, rows, times));
          await failures.check();
          return nanoseconds / 1e6;
        }
      : undefined,

    async read(source: Tensor, first = 0, last = storedLength(source)): Promise<StorageArray> {
      const { begin, end } = checkRange(source, first, last);
      if (isClosed) throw new DeviceError('lost', `Reading ${source.name}: the device is closed.`);
      const buffer = buffers.of(source);
      let bytes: ArrayBuffer;
      try {
        bytes = await readback.read(buffer, Math.floor(begin / 4) * 4, Math.ceil(end / 4) * 4);
      } catch (cause) {
        await failures.check();
        await lostSoon(failures);
        throw new DeviceError('lost', `Reading ${source.name} failed: ${String(cause)}`, { cause });
      }
      await failures.check();
      return storageType(source.dtype).view(bytes, begin % 4, last - first);
    },

    async variants(command: Command, liveRows?: number): Promise<readonly string[]> {
      return fittingVariants(command, await loadVariants([command], kind), liveRows).map(({ name }) => name);
    },

    // For the kernel lab: no page that transcribes loads it.
    compileMessages: async (wgsl) => (await import('./compilerMessages.ts')).compilerMessages(device, wgsl),

    async close(): Promise<void> {
      if (isClosed) return;
      isClosed = true;
      submits.drop();
      buffers.destroy();
      readback.destroy();
      device.destroy();
      await failures.lost;
    },
  };
}

function checkRange(tensor: Tensor, begin: number, end: number): ByteRange {
  const range = byteRange(tensor, begin, end);
  if (range) return range;
  throw new InternalError(`elements ${begin}..${end} are not in ${tensor.name} [${tensor.shape.join(', ')}]`);
}

/** WebGPU copies whole words: an odd number of halves gets a 0 after it. */
function wholeWords(data: StorageArray): Uint8Array<ArrayBuffer> {
  // @types/node and lib.dom disagree on whether a view may lie on shared memory; what is written never does.
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  if (bytes.length % 4 === 0) return bytes;
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return padded;
}

/** A failed map has no reason; `lost` has, a moment later. */
async function lostSoon(failures: Failures): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, 100);
  });
  await Promise.race([failures.lost, patience]);
  clearTimeout(timer);
  await failures.check();
}
