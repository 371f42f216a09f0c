/**
 * The threads of the CPU device, and the one memory they compute in.
 *
 * A leader takes messages in order; where memory may be shared, helpers work with it (worker.ts). Without workers the same
 * code runs in line. While the leader has nothing to do with the memory, this thread reads and writes it by itself.
 */
import { DeviceError } from '../../base/errors.ts';
import type { StorageArray } from '../../engine/dtype.ts';
import type { Platform, WorkerPort } from '../../runtime/platform.ts';
import { inlinePort } from './inlinePort.ts';
import { CONTROL, type FromWorker, reservedBytes, type ToWorker } from './protocol.ts';
import { workerSource } from './workerSource.ts';

export class Workers {
  /** The leader among them. */
  readonly threads: number;
  readonly isShared: boolean;
  /** Settles when they are stopped. */
  readonly stopped: Promise<{ readonly reason: string }>;
  readonly #leader: WorkerPort;
  readonly #helpers: WorkerPort[] = [];
  /** Undefined: the leader's own memory. */
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #control: Int32Array | undefined;
  /** Messages to the leader so far, and the number of the last one that has to do with the memory's contents. */
  #posted = 0;
  #lastUse = 0;
  #ticket = 0;
  readonly #reads = new Map<number, { resolve(data: ArrayBuffer): void; reject(error: Error): void }>();
  #failure: DeviceError | undefined;
  #reportStopped: (why: { readonly reason: string }) => void = () => {};

  /** @throws {DeviceError} `outOfMemory` if not even an empty memory can be had */
  constructor(platform: Platform, wantedThreads: number) {
    this.stopped = new Promise((resolve) => {
      this.#reportStopped = resolve;
    });
    const leader = platform.spawn(workerSource(), 'sotto leader');
    this.isShared = leader !== undefined && platform.sharedMemory;
    if (this.isShared) {
      this.#memory = sharedMemory();
      this.#control = new Int32Array(this.#memory.buffer, 0, reservedBytes / 4);
    }
    this.#leader = leader ?? inlinePort();
    this.#listen(this.#leader);
    for (let i = 1; this.isShared && i < wantedThreads; i++) {
      const helper = platform.spawn(workerSource(), `sotto helper ${i}`);
      if (!helper) break;
      this.#helpers.push(helper);
      this.#listen(helper);
    }
    this.threads = this.#helpers.length + 1;
    const { threads } = this;
    const memory = this.#memory ? { memory: this.#memory } : {};
    this.#helpers.forEach((helper, i) => {
      this.#post(helper, { type: 'init', role: 'helper', thread: i + 1, threads, ...memory });
    });
    this.#post(this.#leader, { type: 'init', role: 'leader', thread: 0, threads, ...memory });
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

  write(address: number, data: StorageArray): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (this.#memory && this.#isIdle()) {
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
    });
  }

  /** Ends all threads; open and later reads reject with the error. */
  stop(error: DeviceError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const read of this.#reads.values()) read.reject(error);
    this.#reads.clear();
    this.#leader.terminate();
    for (const helper of this.#helpers) helper.terminate();
    this.#reportStopped({ reason: error.message });
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
      if (message.type === 'failed') {
        this.stop(new DeviceError(message.code, `The CPU engine stopped: ${message.message}`));
        return;
      }
      this.#reads.get(message.ticket)?.resolve(message.data);
      this.#reads.delete(message.ticket);
    });
    port.onError((error) =>
      this.stop(new DeviceError('lost', `A CPU worker failed: ${error.message}`, { cause: error })),
    );
  }

  /** Has the leader dealt with all that uses the memory? Then nobody but this thread touches it, if it is shared. */
  #isIdle(): boolean {
    return this.#control !== undefined && ((Atomics.load(this.#control, CONTROL.completed) - this.#lastUse) | 0) >= 0;
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
