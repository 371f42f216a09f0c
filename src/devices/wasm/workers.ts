/**
 * The threads of the CPU device, and the one memory they compute in.
 *
 * A leader takes messages in order; where memory may be shared, helpers work with it (worker.ts). Without workers the same
 * code runs in line. While the leader has nothing to do with the memory, this thread reads and writes it by itself.
 */
import { DeviceError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import type { StorageArray } from '../../engine/dtype.ts';
import type { Platform, WorkerPort } from '../../runtime/platform.ts';
import { CONTROL, type FromWorker, reservedBytes, type ToWorker } from './protocol.ts';
import { SILENT_SECONDS, SILENT_SECONDS_UNSHARED, Watch } from './watch.ts';
import { workerSource } from './workerSource.ts';

export interface WorkersOptions extends Pick<CallOptions, 'onWarning'> {
  /** Seconds without a sign of life, while somebody waits for an answer, after which a worker counts as dead. */
  readonly silentSeconds?: number | undefined;
}

/** What machines have is less; each thread costs some 6 MB. */
const MAX_THREADS = 256;

export class Workers {
  /** The leader among them. */
  readonly threads: number;
  readonly isShared: boolean;
  /** Settles when they are stopped. */
  readonly stopped: Promise<{ readonly reason: string }>;
  readonly #platform: Platform;
  readonly #leader: WorkerPort;
  readonly #helpers = new Set<WorkerPort>();
  /** That have answered `init`. */
  readonly #alive = new Set<WorkerPort>();
  /** Undefined: the leader's own memory. */
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #control: Int32Array | undefined;
  readonly #watch: Watch;
  readonly #onWarning: CallOptions['onWarning'];
  /** Messages to the leader so far, and the number of the last one that has to do with the memory's contents. */
  #posted = 0;
  #lastUse = 0;
  #answers = 0;
  #ticket = 0;
  readonly #reads = new Map<number, { resolve(data: ArrayBuffer): void; reject(error: Error): void }>();
  #failure: DeviceError | undefined;
  #reportStopped: (why: { readonly reason: string }) => void = () => {};

  /** @throws {DeviceError} `outOfMemory` if not even an empty memory can be had; no worker is left then */
  static async start(platform: Platform, wantedThreads: number, options: WorkersOptions): Promise<Workers> {
    const leader = platform.spawn(workerSource(), 'sotto leader');
    if (leader) return new Workers(platform, leader, wantedThreads, { ...options, isShared: platform.sharedMemory });
    // Loaded where it is needed: most pages have workers.
    const { inlinePort } = await import('./inlinePort.ts');
    const workers = new Workers(platform, inlinePort(), wantedThreads, { ...options, isShared: false });
    workers.#warn('No worker can be started here: the calling thread computes.');
    return workers;
  }

  private constructor(
    platform: Platform,
    leader: WorkerPort,
    wantedThreads: number,
    options: WorkersOptions & { readonly isShared: boolean },
  ) {
    this.#platform = platform;
    this.#onWarning = options.onWarning;
    this.stopped = new Promise((resolve) => {
      this.#reportStopped = resolve;
    });
    this.#leader = leader;
    this.isShared = options.isShared;
    this.#watch = new Watch({
      isWaiting: () => this.#reads.size > 0,
      sign: () => this.#sign(),
      seconds: options.silentSeconds ?? (this.isShared ? SILENT_SECONDS : SILENT_SECONDS_UNSHARED),
      onSilence: (seconds) => this.#silent(seconds),
    });
    try {
      if (this.isShared) {
        this.#memory = sharedMemory();
        this.#control = new Int32Array(this.#memory.buffer, 0, reservedBytes / 4);
      }
      this.#listen(this.#leader);
      this.threads = this.#start(wantedThreads);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** @returns how many threads there are */
  #start(wanted: number): number {
    const most = Math.min(wanted, MAX_THREADS);
    while (this.isShared && this.#helpers.size < most - 1) {
      const helper = this.#platform.spawn(workerSource(), `sotto helper ${this.#helpers.size + 1}`);
      if (!helper) break;
      this.#helpers.add(helper);
      this.#listen(helper);
    }
    const threads = this.#helpers.size + 1;
    if (this.isShared && threads < wanted) this.#warn(`Only ${threads} of ${wanted} threads can be started.`);
    const memory = this.#memory ? { memory: this.#memory } : {};
    let thread = 0;
    for (const helper of this.#helpers)
      this.#post(helper, { type: 'init', role: 'helper', thread: ++thread, threads, ...memory });
    this.#post(this.#leader, { type: 'init', role: 'leader', thread: 0, threads, ...memory });
    return threads;
  }

  /** @throws what stopped them */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** To the leader. */
  post(message: ToWorker): void {
    this.#post(this.#leader, message);
  }

  /** To all; the helpers get it before the leader does. */
  postAll(message: ToWorker): void {
    for (const helper of this.#helpers) this.#post(helper, message);
    this.#post(this.#leader, message);
  }

  grow(pages: number): void {
    if (this.#memory) this.#memory.grow(pages);
    else this.post({ type: 'grow', pages });
  }

  /** @param isFree whether no message to the leader so far has to do with what lies there */
  write(address: number, data: StorageArray, isFree = false): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (this.#memory && (isFree || this.#isIdle())) {
      new Uint8Array(this.#memory.buffer).set(bytes, address);
      return;
    }
    const copy = new Uint8Array(bytes);
    this.#post(this.#leader, { type: 'write', address, data: copy }, [copy.buffer]);
  }

  /** Fills with zeros. */
  clear(address: number, bytes: number): void {
    if (this.#memory && this.#isIdle()) new Uint8Array(this.#memory.buffer, address, bytes).fill(0);
    else this.post({ type: 'zero', address, bytes });
  }

  /** Once all earlier work is done. */
  read(address: number, bytes: number): Promise<ArrayBuffer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const ticket = this.#ticket++;
    return new Promise((resolve, reject) => {
      this.#reads.set(ticket, { resolve, reject });
      this.post({ type: 'read', ticket, address, bytes });
      this.#watch.begin();
    });
  }

  /** Ends all threads; open and later reads reject with the error. */
  stop(error: DeviceError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const read of this.#reads.values()) read.reject(error);
    this.#reads.clear();
    this.#end();
    this.#reportStopped({ reason: error.message });
  }

  #end(): void {
    this.#watch.end();
    const control = this.#control;
    if (control) {
      // The word changes, so that a thread which is about to sleep on it does not.
      Atomics.store(control, CONTROL.stop, 1);
      Atomics.add(control, CONTROL.state, 1 << 12);
      Atomics.notify(control, CONTROL.state);
    }
    this.#leader.terminate();
    for (const helper of this.#helpers) helper.terminate();
  }

  #post(port: WorkerPort, message: ToWorker, transfer?: readonly ArrayBuffer[]): void {
    if (this.#failure) return;
    if (port === this.#leader) {
      this.#posted = (this.#posted + 1) | 0;
      if (message.type !== 'init' && message.type !== 'prepare') this.#lastUse = this.#posted;
    }
    port.postMessage(message, transfer);
  }

  #listen(port: WorkerPort): void {
    port.onMessage((value) => {
      const message = value as FromWorker; // the worker is ours
      this.#answers++;
      this.#alive.add(port);
      switch (message.type) {
        case 'alive':
          return;
        case 'failed':
          this.stop(new DeviceError(message.code, `The CPU engine stopped: ${message.message}`));
          return;
        case 'data':
          this.#reads.get(message.ticket)?.resolve(message.data);
          this.#reads.delete(message.ticket);
      }
    });
    port.onError((error) => this.#failed(port, error));
  }

  /** A helper that has not begun is in nobody's way: the others do without it. */
  #failed(port: WorkerPort, error: Error): void {
    if (this.#failure) return;
    const hasBegun = this.#alive.has(port);
    if (!hasBegun && port !== this.#leader) {
      port.terminate();
      if (this.#helpers.delete(port)) this.#warn(`A thread of the CPU engine could not be started: ${error.message}.`);
      return;
    }
    if (hasBegun) {
      this.stop(
        new DeviceError('lost', `A CPU worker failed: ${error.message}`, {
          cause: error,
          hint: 'Load the model again.',
        }),
      );
      return;
    }
    const hint =
      this.#platform.name === 'web'
        ? 'A content security policy of the page must allow workers: worker-src blob:'
        : 'There may be no room for another thread: see ulimit -v and ulimit -u.';
    this.stop(new DeviceError('workerFailed', `No worker could be started: ${error.message}.`, { cause: error, hint }));
  }

  #silent(seconds: number): void {
    const message = `The CPU engine has shown no sign of life for ${seconds} s.`;
    this.stop(new DeviceError('lost', message, { hint: 'Load the model again.' }));
  }

  /** Changes for as long as the threads do something. */
  #sign(): string {
    const { state, done, completed, steps } = CONTROL;
    const words = this.#control
      ? [state, done, completed, steps].map((word) => Atomics.load(this.#control!, word))
      : [];
    return [this.#answers, ...words].join();
  }

  #warn(message: string): void {
    this.#onWarning?.({ code: 'fewerThreads', message });
  }

  /** Has the leader dealt with all that uses the memory? Then nobody but this thread touches it, if it is shared. */
  #isIdle(): boolean {
    return this.#control !== undefined && ((Atomics.load(this.#control, CONTROL.completed) - this.#lastUse) | 0) >= 0;
  }
}

/** V8 sets 8 to 10 GiB of addresses aside for every WebAssembly memory, however small, to find accesses beyond it. */
const ADDRESSES_HINT =
  'The address space of the process may be limited: see ulimit -v. Node 22 and newer need little of it with --disable-wasm-trap-handler.';

function sharedMemory(): WebAssembly.Memory {
  // Some engines refuse to set 4 GiB of addresses aside.
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    } catch {}
  }
  throw new DeviceError('outOfMemory', 'No shared WebAssembly memory can be had.', { hint: ADDRESSES_HINT });
}
