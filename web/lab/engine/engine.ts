/**
 * The page's side of the lab's engine, with a watchdog: WGSL that never ends cannot be stopped, so an engine that says nothing for
 * too long is left alone, and another one started.
 *
 * It is left alone, not ended. Ending its worker would make Chromium wait, in the process that all GPU work goes through, for
 * the very commands that do not end: nothing would run any more, seen with SwiftShader in Chromium 156. A GPU's driver ends them
 * by itself after a few seconds; the engine then tells that its device is lost, and may go.
 */
import type { FromEngine, JobName, Jobs, ToEngine, Told } from './messages.ts';

const WATCH_MS = 200;

export class EngineFailed extends Error {
  override readonly name = 'EngineFailed';
}

/** The signal of a call was aborted, or another call has taken its place. */
export class EngineAborted extends Error {
  override readonly name = 'EngineAborted';
}

export interface AskOptions {
  readonly onTold?: ((told: Told) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  resolve(back: unknown): void;
  reject(error: Error): void;
  readonly onTold: ((told: Told) => void) | undefined;
}

export interface EngineOptions {
  /** Milliseconds of silence after which it is given up. */
  patienceMs(): number;
  /** In a sentence, what is done about it included. */
  onGone(sentence: string): void;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #pending = new Map<number, Pending>();
  /** Left alone; kept, so that they are not collected, which would end them. */
  readonly #left = new Set<Worker>();
  #worker: Worker | undefined;
  #count = 0;
  #heardAt = 0;
  #doing = '';
  /** While anything is asked. */
  #watching: ReturnType<typeof setInterval> | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Milliseconds since anything was heard of it; 0 when nothing is asked. */
  get silentMs(): number {
    return this.#pending.size === 0 ? 0 : performance.now() - this.#heardAt;
  }

  /** @throws {EngineFailed} a sentence; {EngineAborted} */
  ask<K extends JobName>(name: K, given: Jobs[K][0], { onTold, signal }: AskOptions = {}): Promise<Jobs[K][1]> {
    if (signal?.aborted) return Promise.reject(new EngineAborted());
    const worker = this.#start();
    const id = ++this.#count;
    if (this.#pending.size === 0) this.#heardAt = performance.now();
    this.#watching ??= setInterval(() => this.#watch(), WATCH_MS);
    return new Promise((resolve, reject) => {
      const abort = (): void => this.#send(worker, { kind: 'abort', id });
      signal?.addEventListener('abort', abort, { once: true });
      const leave = (): void => {
        this.#pending.delete(id);
        signal?.removeEventListener('abort', abort);
        if (this.#pending.size > 0) return;
        clearInterval(this.#watching);
        this.#watching = undefined;
      };
      this.#pending.set(id, {
        onTold,
        resolve(back) {
          leave();
          resolve(back as Jobs[K][1]); // the worker answers by the same types
        },
        reject(error) {
          leave();
          reject(error);
        },
      });
      this.#send(worker, { kind: 'ask', id, name, given });
    });
  }

  /** As when it was silent for too long. */
  giveUp(): void {
    if (this.#worker) this.#left.add(this.#worker);
    const seconds = (this.silentMs / 1000).toFixed(0);
    this.#leave(
      `The GPU did not come back within ${seconds} s${this.#doing && ` from ${this.#doing}`}: does a loop with a barrier in it never end? ` +
        'Another device is opened for what comes next. A software GPU goes on computing, and may run nothing else until the browser ' +
        'is closed.',
    );
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    // The build writes into the page how the worker's file is called.
    const worker = new Worker(new URL(document.body.dataset.engine ?? '', document.baseURI), {
      type: 'module',
      name: 'sotto lab',
    });
    worker.onmessage = ({ data }: MessageEvent<FromEngine>) => this.#hear(worker, data); // of worker.ts
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      if (worker === this.#worker)
        this.#leave(event.message || "The lab's engine could not be loaded. Reload the page.");
    };
    this.#worker = worker;
    return worker;
  }

  #hear(worker: Worker, message: FromEngine): void {
    if (message.kind === 'lost') {
      worker.terminate();
      this.#left.delete(worker);
      if (worker === this.#worker)
        this.#leave(`The GPU device was lost (${message.reason}); another one was opened for what comes next.`);
      return;
    }
    if (worker !== this.#worker) return;
    this.#heardAt = performance.now();
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if (message.kind === 'done') pending.resolve(message.back);
    else if (message.kind === 'failed')
      pending.reject(message.failure.isAborted ? new EngineAborted() : new EngineFailed(message.failure.message));
    else {
      const { told } = message;
      if (told.kind === 'start') this.#doing = told.title;
      else if (told.kind === 'stage') this.#doing = told.text;
      pending.onTold?.(told);
    }
  }

  #watch(): void {
    if (this.silentMs > this.#options.patienceMs()) this.giveUp();
  }

  #leave(sentence: string): void {
    this.#worker = undefined;
    this.#doing = '';
    for (const pending of [...this.#pending.values()]) pending.reject(new EngineFailed(sentence));
    this.#options.onGone(sentence);
  }

  #send(worker: Worker, message: ToEngine): void {
    worker.postMessage(message);
  }
}
