/**
 * The CPU as a device: programs over WebAssembly SIMD that the kernels emit, in workers.
 *
 * The calling thread never computes: a page may not block its main thread, a server should not. A leader worker takes
 * messages in order and runs programs; where memory may be shared, `threads - 1` helpers work with it (worker.ts). This
 * side keeps the books: what lies where in the memory, which functions are compiled, which reads are open.
 */
import { DeviceError } from '../../base/errors.ts';
import type { Device, Executable, SubmitOptions } from '../../engine/device.ts';
import type { CpuCaps, DType } from '../../engine/kernel.ts';
import { planScratch } from '../../engine/plan.ts';
import { byteLength, type Command, type Program, type Tensor } from '../../engine/program.ts';
import type { Platform, WorkerPort } from '../../runtime/platform.ts';
import { fittingVariants, type KnownFunctions, type LinkedCommand, link } from './compile.ts';
import { inlinePort } from './inlinePort.ts';
import { MemoryMap } from './memory.ts';
import { type FromWorker, type PreparedProgram, reservedBytes, type ToWorker } from './protocol.ts';
import { type Schedule, schedule } from './schedule.ts';
import { workerSource } from './worker.ts';

export interface CpuDeviceOptions {
  /** Threads that compute, the leader among them; the machine's when absent. One where memory cannot be shared. */
  readonly threads?: number;
}

const pageBytes = 65536;
const memoryBytes = 65536 * pageBytes;
/** Weights come in panels of 16: one cache line for each input. */
const panelWidth = 16;
// See worker.ts.
const completedWord = 192;

/** @throws {DeviceError} `outOfMemory` if not even an empty memory can be had */
export async function createCpuDevice(platform: Platform, options: CpuDeviceOptions = {}): Promise<Device> {
  return new CpuDevice(platform, options.threads ?? platform.hardwareThreads);
}

interface CpuExecutable extends Executable {
  readonly id: number;
  readonly commands: readonly LinkedCommand[];
  /** What `schedule` made of a number of live rows. */
  readonly schedules: Map<number, Schedule>;
}

interface OpenRead {
  readonly dtype: DType;
  resolve(data: Float32Array | Uint32Array): void;
  reject(error: Error): void;
}

class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly description: string;
  readonly panelWidth = panelWidth;
  readonly maxTensorBytes = 2 ** 31 - pageBytes;
  readonly lost: Promise<{ readonly reason: string }>;

  private readonly platform: Platform;
  private readonly caps: CpuCaps;
  private readonly threads: number;
  private readonly leader: WorkerPort;
  private readonly helpers: WorkerPort[] = [];
  /** Undefined: the leader's own memory. */
  private readonly memory: WebAssembly.Memory | undefined;
  private readonly control: Int32Array | undefined;
  private readonly map = new MemoryMap(reservedBytes, memoryBytes);
  private pages = 1;
  /** Messages to the leader so far, and the number of the last one that has to do with the memory's contents. */
  private posted = 0;
  private lastUse = 0;
  private readonly addresses = new Map<Tensor, number>();
  private readonly regions = new Map<string, { readonly address: number; readonly bytes: number }>();
  private known: KnownFunctions = new Map();
  private preparing: Promise<unknown> = Promise.resolve();
  private programCount = 0;
  private ticket = 0;
  private readonly reads = new Map<number, OpenRead>();
  private failure: DeviceError | undefined;
  private setLost: (why: { readonly reason: string }) => void = () => {};

  constructor(platform: Platform, wantedThreads: number) {
    this.platform = platform;
    this.caps = platform.wasm;
    this.lost = new Promise((resolve) => {
      this.setLost = resolve;
    });
    const leader = platform.spawn(workerSource(), 'sotto leader');
    const isShared = leader !== undefined && platform.sharedMemory;
    if (isShared) {
      this.memory = sharedMemory();
      this.control = new Int32Array(this.memory.buffer, 0, reservedBytes / 4);
    }
    this.leader = leader ?? inlinePort();
    this.listen(this.leader);
    for (let i = 1; isShared && i < wantedThreads; i++) {
      const helper = platform.spawn(workerSource(), `sotto helper ${i}`);
      if (!helper) break;
      this.helpers.push(helper);
      this.listen(helper);
    }
    this.threads = this.helpers.length + 1;
    const memory = this.memory ? { memory: this.memory } : {};
    this.helpers.forEach((helper, i) => {
      this.post(helper, { type: 'init', role: 'helper', thread: i + 1, threads: this.threads, ...memory });
    });
    this.post(this.leader, { type: 'init', role: 'leader', thread: 0, threads: this.threads, ...memory });
    const simd = `${this.caps.revectorize ? '256-bit' : '128-bit'}${this.caps.relaxedSimd ? ' relaxed' : ''} SIMD`;
    this.description = `WebAssembly, ${simd}, ${this.threads} ${this.threads === 1 ? 'thread' : 'threads'}`;
  }

  allocate(name: string, dtype: DType, shape: readonly number[], lifetime: 'weights' | 'state'): Tensor {
    const tensor: Tensor = { name, dtype, shape, lifetime };
    this.addresses.set(tensor, this.reserve(byteLength(tensor), name, true));
    return tensor;
  }

  free(tensor: Tensor): void {
    this.map.free(this.address(tensor));
    this.addresses.delete(tensor);
  }

  write(target: Tensor, data: Float32Array | Uint32Array, elementOffset = 0): void {
    if (elementOffset < 0 || (elementOffset + data.length) * 4 > byteLength(target))
      throw new DeviceError(
        'validation',
        `${data.length} elements at ${elementOffset} do not fit ${target.name} [${target.shape.join(', ')}].`,
      );
    const address = this.address(target) + elementOffset * 4;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (this.memory && this.isIdle()) {
      new Uint8Array(this.memory.buffer).set(bytes, address);
      return;
    }
    const copy = new Uint8Array(bytes);
    this.post(this.leader, { type: 'write', address, data: copy }, [copy.buffer]);
  }

  variants(command: Command): readonly string[] {
    return fittingVariants(command, this.caps).map(({ name }) => name);
  }

  /** One call after the other: each compiles only what those before it did not. */
  prepare(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]> {
    const turn = this.preparing.then(() => this.prepareNow(programs, signal));
    this.preparing = turn.catch(() => {});
    return turn;
  }

  private async prepareNow(programs: readonly Program[], signal?: AbortSignal): Promise<readonly Executable[]> {
    signal?.throwIfAborted();
    this.check();
    const commands = programs.flatMap((program) => program.commands);
    const known = new Map(this.known);
    const linked = link(commands, this.caps, this.memory !== undefined, known);
    const module = linked.bytes && (await this.platform.compileWasm(linked.bytes));
    this.check();
    signal?.throwIfAborted();
    this.known = known;
    const scratchBytes = linked.commands.map(({ variant, context }) => variant.scratchBytes?.(context) ?? 0);
    const scratchStride = Math.ceil(Math.max(0, ...scratchBytes) / 64) * 64 + 64;
    const scratch = this.sharedRegion('scratch of the threads', this.threads * scratchStride);
    const addressesOf = this.placeScratch(programs);
    let first = 0;
    const executables = programs.map((program): CpuExecutable => {
      const own = linked.commands.slice(first, first + program.commands.length);
      first += program.commands.length;
      return { program, id: this.programCount++, commands: own, schedules: new Map() };
    });
    const prepared = executables.map(
      ({ id, program, commands: own }): PreparedProgram => ({
        id,
        scratch,
        scratchStride,
        commands: own.map(({ command, functionIndex }) => ({
          functionIndex,
          addresses: Object.keys(command.kernel.args).map((arg) => {
            const tensor = command.args[arg];
            return tensor ? addressesOf(program, tensor) : 0;
          }),
        })),
      }),
    );
    const message: ToWorker = { type: 'prepare', module, exports: linked.exports, programs: prepared };
    for (const helper of this.helpers) this.post(helper, message);
    this.post(this.leader, message);
    return executables;
  }

  submit(work: Executable, options: SubmitOptions = {}): void {
    const executable = work as CpuExecutable; // made by prepare
    const rows = options.rows ?? -1;
    let plan = executable.schedules.get(rows);
    if (!plan) {
      plan = schedule(executable.commands, options.rows, this.threads);
      executable.schedules.set(rows, plan);
    }
    this.post(this.leader, {
      type: 'submit',
      program: executable.id,
      first: 0,
      last: executable.commands.length,
      times: options.times ?? 1,
      isRepetition: false,
      until: options.until ? this.address(options.until) : 0,
      ...plan,
    });
  }

  read(source: Tensor, begin = 0, end = byteLength(source) / 4): Promise<Float32Array | Uint32Array> {
    if (this.failure) return Promise.reject(this.failure);
    if (begin < 0 || begin > end || end * 4 > byteLength(source))
      return Promise.reject(new DeviceError('validation', `${source.name} has no elements ${begin} to ${end}.`));
    const ticket = this.ticket++;
    const address = this.address(source) + begin * 4;
    return new Promise((resolve, reject) => {
      this.reads.set(ticket, { dtype: source.dtype, resolve, reject });
      this.post(this.leader, { type: 'read', ticket, address, bytes: (end - begin) * 4 });
    });
  }

  async close(): Promise<void> {
    this.fail(new DeviceError('lost', 'The device was closed.'));
  }

  private post(port: WorkerPort, message: ToWorker, transfer?: readonly ArrayBuffer[]): void {
    if (this.failure) return;
    if (port === this.leader) {
      this.posted = (this.posted + 1) | 0;
      if (message.type !== 'init' && message.type !== 'prepare') this.lastUse = this.posted;
    }
    port.postMessage(message, transfer);
  }

  private listen(port: WorkerPort): void {
    port.onMessage((value) => {
      const message = value as FromWorker; // the worker is ours
      if (message.type === 'failed') {
        this.fail(new DeviceError(message.code, `The CPU engine stopped: ${message.message}`));
        return;
      }
      const read = this.reads.get(message.ticket);
      this.reads.delete(message.ticket);
      read?.resolve(read.dtype === 'f32' ? new Float32Array(message.data) : new Uint32Array(message.data));
    });
    port.onError((error) =>
      this.fail(new DeviceError('lost', `A CPU worker failed: ${error.message}`, { cause: error })),
    );
  }

  private fail(error: DeviceError): void {
    if (this.failure) return;
    this.failure = error;
    for (const read of this.reads.values()) read.reject(error);
    this.reads.clear();
    this.leader.terminate();
    for (const helper of this.helpers) helper.terminate();
    this.setLost({ reason: error.message });
  }

  private check(): void {
    if (this.failure) throw this.failure;
  }

  private address(tensor: Tensor): number {
    const address = this.addresses.get(tensor);
    if (address === undefined) throw new DeviceError('validation', `${tensor.name} is not a tensor of this device.`);
    return address;
  }

  /** Has the leader dealt with all that uses the memory? Then nobody but this thread touches it, if it is shared. */
  private isIdle(): boolean {
    return this.control !== undefined && ((Atomics.load(this.control, completedWord) - this.lastUse) | 0) >= 0;
  }

  private reserve(bytes: number, name: string, cleared: boolean): number {
    const block = this.map.allocate(bytes);
    const tooMuch = (): DeviceError =>
      new DeviceError('outOfMemory', `No room for ${name}, ${bytes} bytes, in a memory of ${this.map.end}.`, {
        hint: 'A WebAssembly memory holds 4 GiB at most: try a smaller model or fewer rows.',
      });
    if (!block) throw tooMuch();
    const pages = Math.ceil(this.map.end / pageBytes) - this.pages;
    if (pages > 0) {
      try {
        if (this.memory) this.memory.grow(pages);
        else this.post(this.leader, { type: 'grow', pages });
      } catch {
        this.map.free(block.address);
        throw tooMuch();
      }
      this.pages += pages;
    }
    if (block.isUsed && cleared) {
      if (this.memory && this.isIdle()) new Uint8Array(this.memory.buffer, block.address, bytes).fill(0);
      else this.post(this.leader, { type: 'zero', address: block.address, bytes });
    }
    return block.address;
  }

  /**
   * Memory that all programs use in turn, since they run one after another: the last one handed out, if it is large
   * enough. Programs prepared before a larger one keep theirs.
   */
  private sharedRegion(name: string, bytes: number): number {
    let region = this.regions.get(name);
    if (!region || region.bytes < bytes) {
      region = { address: this.reserve(bytes, name, false), bytes };
      this.regions.set(name, region);
    }
    return region.address;
  }

  /** Lays the scratch blocks of all programs over each other, and says where each tensor of each program is. */
  private placeScratch(programs: readonly Program[]): (program: Program, tensor: Tensor) => number {
    let arenaBytes = 0;
    const placed = new Map<Program, Map<Tensor, number>>();
    for (const program of programs) {
      const plan = planScratch(program);
      let at = 0;
      const starts = plan.blockBytes.map((bytes) => {
        const start = at;
        at += Math.ceil(bytes / 64) * 64 + 64;
        return start;
      });
      arenaBytes = Math.max(arenaBytes, at);
      placed.set(program, new Map([...plan.blockOf].map(([tensor, block]) => [tensor, starts[block]!])));
    }
    const arena = this.sharedRegion('scratch of the programs', arenaBytes);
    return (program, tensor) => {
      const offset = placed.get(program)?.get(tensor);
      return offset === undefined ? this.address(tensor) : arena + offset;
    };
  }
}

function sharedMemory(): WebAssembly.Memory {
  // Some engines refuse to set 4 GiB of addresses aside.
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    } catch {}
  }
  throw new DeviceError('outOfMemory', 'No shared WebAssembly memory of 1 GiB can be had.');
}
