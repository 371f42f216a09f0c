/**
 * The CPU as a device: programs over WebAssembly SIMD that the kernels emit, in workers.
 *
 * The calling thread never computes: a page may not block its main thread, a server should not. This side keeps the books:
 * what lies where in the memory (heap.ts) and which functions are compiled (compile.ts); the threads are in workers.ts.
 */
import { asError } from '../../base/asError.ts';
import { DeviceError } from '../../base/errors.ts';
import { byteRange, type Device, type Executable, type SubmitOptions, storedLength } from '../../engine/device.ts';
import { type DType, type Shape, type StorageArray, storageType } from '../../engine/dtype.ts';
import type { Command, Program, Tensor } from '../../engine/program.ts';
import { fittingVariants, loadVariants } from '../../engine/selectVariant.ts';
import type { WasmFeatures } from '../../engine/wasm/variant.ts';
import type { Platform } from '../../runtime/platform.ts';
import { type CompiledCommand, compile, type KnownFunctions } from './compile.ts';
import { Heap, MEMORY_BYTES } from './heap.ts';
import { type PreparedProgram, planWords } from './protocol.ts';
import { type Schedule, schedule } from './schedule.ts';
import { wasmKind } from './variants.ts';
import { Workers, type WorkersOptions } from './workers.ts';

export interface CpuDeviceOptions extends WorkersOptions {
  /** Threads that compute, the leader among them; the machine's when absent. One where memory cannot be shared. */
  readonly threads?: number;
}

/** Weights come in panels of 16: one cache line of f32 for each input. */
const PANEL_WIDTH = 16;

/** @throws {DeviceError} `outOfMemory` if not even an empty memory can be had */
export async function createCpuDevice(platform: Platform, options: CpuDeviceOptions = {}): Promise<Device> {
  if (!hasSimd()) {
    throw new DeviceError(
      'wasmMissing',
      'This runtime has no WebAssembly with SIMD, in which the CPU engine computes.',
      {
        hint: 'Node without --jitless has it, and browsers since 2023 outside of lockdown modes.',
      },
    );
  }
  return new CpuDevice(platform, await Workers.start(platform, options.threads ?? platform.hardwareThreads, options));
}

interface CpuExecutable extends Executable {
  readonly id: number;
  readonly commands: readonly CompiledCommand[];
  /** What `schedule` made of a number of live rows. */
  readonly schedules: Map<number, Schedule>;
}

class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly description: string;
  readonly panelWidth = PANEL_WIDTH;
  readonly crossPanelWidth = PANEL_WIDTH;
  readonly maxTensorBytes = 2 ** 31 - 65536;
  readonly room: number;
  readonly lost: Promise<{ readonly reason: string }>;
  readonly #platform: Platform;
  readonly #features: WasmFeatures;
  readonly #workers: Workers;
  readonly #heap: Heap;
  #known: KnownFunctions = new Map();
  #preparing: Promise<unknown> = Promise.resolve();
  #programCount = 0;

  constructor(platform: Platform, workers: Workers) {
    this.#platform = platform;
    this.#features = platform.wasm;
    this.#workers = workers;
    this.#heap = new Heap(workers);
    this.room = Math.min(MEMORY_BYTES, platform.memoryBytes?.() ?? MEMORY_BYTES);
    this.lost = workers.stopped;
    const { relaxedSimd, revectorize } = this.#features;
    const { threads } = workers;
    const simd = `${revectorize ? '256-bit' : '128-bit'}${relaxedSimd ? ' relaxed' : ''} SIMD`;
    this.description = `WebAssembly, ${simd}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  }

  get bytesHeld(): number {
    return this.#heap.bytesHeld;
  }

  allocate(name: string, dtype: DType, shape: Shape, lifetime: 'weights' | 'state'): Tensor {
    const tensor: Tensor = { name, dtype, shape, lifetime };
    this.#heap.allocate(tensor);
    return tensor;
  }

  free(tensor: Tensor): void {
    this.#heap.free(tensor);
  }

  write(target: Tensor, data: StorageArray, elementOffset = 0): void {
    const range = byteRange(target, elementOffset, elementOffset + data.length);
    if (!range)
      throw new DeviceError(
        'validation',
        `${data.length} elements at ${elementOffset} do not fit ${target.name} [${target.shape.join(', ')}].`,
      );
    this.#workers.write(this.#heap.addressOf(target) + range.begin, data, this.#heap.isUntouched(target));
  }

  async variants(command: Command, liveRows?: number): Promise<readonly string[]> {
    const loaded = await loadVariants([command], wasmKind);
    return fittingVariants(command, loaded, liveRows).map(({ name }) => name);
  }

  /** One call after the other: each compiles only what those before it did not. */
  prepare(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]> {
    const next = this.#preparing.then(() => this.#prepareNow(programs, signal));
    this.#preparing = next.catch(() => {});
    return next;
  }

  async #prepareNow(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]> {
    signal?.throwIfAborted();
    this.#workers.check();
    const commands = programs.flatMap((program) => program.commands);
    const loaded = await loadVariants(commands, wasmKind);
    const known = new Map(this.#known);
    const compiled = compile(commands, loaded, this.#features, this.#workers.isShared, known);
    const module = compiled.bytes && (await this.#compile(compiled.bytes));
    this.#workers.check();
    signal?.throwIfAborted();
    this.#known = known;
    const scratchStride = threadScratchBytes(compiled.commands);
    const scratch = this.#heap.shared('scratch of the threads', this.#workers.threads * scratchStride);
    const addressOf = this.#heap.placeScratch(programs);
    const mostCommands = Math.max(0, ...programs.map((program) => program.commands.length));
    const plan = this.#heap.shared('plan of a submit', 4 * planWords * mostCommands);
    let first = 0;
    const executables = programs.map((program): CpuExecutable => {
      const own = compiled.commands.slice(first, first + program.commands.length);
      first += program.commands.length;
      return { program, id: this.#programCount++, commands: own, schedules: new Map() };
    });
    const prepared = executables.map(({ id, program, commands: own }): PreparedProgram => {
      const addresses = own.map(({ command }) =>
        Object.keys(command.kernel.args).map((arg) => {
          const tensor = command.args[arg];
          return tensor ? addressOf(program, tensor) : 0;
        }),
      );
      return { id, scratch, scratchStride, plan, addresses };
    });
    this.#workers.postAll({ type: 'prepare', module, exports: compiled.exports, programs: prepared });
    return executables;
  }

  async #compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
    try {
      return await this.#platform.compileWasm(bytes);
    } catch (cause) {
      if (!WebAssembly.validate(bytes)) throw cause;
      throw new DeviceError('wasmBlocked', `WebAssembly must not be compiled here: ${asError(cause).message}`, {
        cause,
        hint: "A content security policy of the page must allow it: script-src 'wasm-unsafe-eval'.",
      });
    }
  }

  submit(work: Executable, options: SubmitOptions = {}): void {
    const executable = work as CpuExecutable; // made by prepare
    const rows = options.rows ?? -1;
    let plan = executable.schedules.get(rows);
    if (!plan) {
      plan = schedule(executable.commands, options.rows, this.#workers.threads);
      executable.schedules.set(rows, plan);
    }
    this.#workers.post({
      type: 'submit',
      program: executable.id,
      first: 0,
      last: executable.commands.length,
      times: options.times ?? 1,
      isRepetition: false,
      until: options.until ? this.#heap.addressOf(options.until) : 0,
      ...plan,
    });
  }

  async read(source: Tensor, begin = 0, end = storedLength(source)): Promise<StorageArray> {
    this.#workers.check();
    const range = byteRange(source, begin, end);
    if (!range) throw new DeviceError('validation', `${source.name} has no elements ${begin} to ${end}.`);
    const address = this.#heap.addressOf(source) + range.begin;
    const data = await this.#workers.read(address, range.end - range.begin);
    return storageType(source.dtype).view(data, 0, end - begin);
  }

  async close(): Promise<void> {
    this.#workers.stop(new DeviceError('lost', 'The device was closed.'));
  }
}

/** (func (result v128) i32.const 0, i8x16.splat) */
const SIMD_MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00,
  0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b,
]);

function hasSimd(): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(SIMD_MODULE);
}

/** What the neediest variant asks for, and a gap, so that threads share no cache line. */
function threadScratchBytes(commands: readonly CompiledCommand[]): number {
  const wanted = commands.flatMap(({ variants }) =>
    variants.map(({ variant, context }) => variant.scratchBytes?.(context) ?? 0),
  );
  return Math.ceil(Math.max(0, ...wanted) / 64) * 64 + 64;
}
