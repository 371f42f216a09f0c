/**
 * Processes that transcribe. One that dies is started again, and what it was at is tried once more: each recording by itself,
 * with no other beside it, so that one which kills its process takes nobody else's attempts.
 */
import type { ChildProcess } from 'node:child_process';
import { errorOf } from '../../base/errorData.ts';
import { AudioError, DeviceError } from '../../base/errors.ts';
import type { BatchTask, Executor, TaskCall } from '../executor.ts';
import { failureOf } from '../failure.ts';
import type { ItemResult } from '../processItem.ts';
import type { FromWorker, LoadedModel, ToWorker } from './messages.ts';

/** A recording whose process ended so often is given up. */
const MOST_ATTEMPTS = 3;
/** So many workers in a row that end before they are ready: others will too. */
const MOST_VAIN_STARTS = 3;
/** A worker that was told to end and has not by then is killed. */
const GRACE_MS = 4000;

export interface PoolOptions {
  readonly workers: number;
  /** Recordings in each. */
  readonly atOnce: number;
  /** Starts a process that runs `serveTasks`. */
  readonly start: () => ChildProcess;
  /** The first worker is ready; told once. */
  readonly onReady?: ((model: LoadedModel) => void) | undefined;
  /** Of the first worker while it loads, and warnings of no recording. */
  readonly onProgress?: TaskCall['onProgress'];
  readonly onWarning?: TaskCall['onWarning'];
  /** A worker is gone that was not told to go. @param why `signal SIGKILL` */
  readonly onDeath?: ((why: string) => void) | undefined;
}

interface Job {
  readonly task: BatchTask;
  readonly call: TaskCall;
  readonly resolve: (result: ItemResult) => void;
  readonly reject: (error: unknown) => void;
  readonly started: number;
  /** Processes that have ended over it. */
  deaths: number;
}

interface Worker {
  readonly child: ChildProcess;
  readonly jobs: Map<number, Job>;
  readonly ended: Promise<void>;
  isReady: boolean;
}

export class WorkerPool implements Executor {
  readonly capacity: number;
  readonly #options: PoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #waiting: Job[] = [];
  /** Of which each wants a worker for itself. */
  readonly #suspects: Job[] = [];
  readonly #signals = new WeakSet<AbortSignal>();
  #number = 0;
  #vainStarts = 0;
  #wasReady = false;
  #isClosing = false;
  /** Why nothing runs any more. */
  #error: unknown;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.capacity = options.workers * options.atOnce;
    for (let i = 0; i < options.workers; i++) this.#start();
  }

  run(task: BatchTask, call: TaskCall): Promise<ItemResult> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const { signal } = call;
    return new Promise((resolve, reject) => {
      const job: Job = { task, call, resolve, reject, started: performance.now(), deaths: 0 };
      this.#listenTo(signal);
      if (this.#error !== undefined) {
        reject(this.#error);
        return;
      }
      this.#waiting.push(job);
      this.#assign();
    });
  }

  /** Ends all workers: resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(
      [...this.#workers].map(async ({ child, ended }) => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  /** Once, however many tasks have it. */
  #listenTo(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return;
    this.#signals.add(signal);
    if (signal.aborted) this.#fail(signal.reason);
    else signal.addEventListener('abort', () => this.#fail(signal.reason), { once: true });
  }

  #start(): void {
    const child = this.#options.start();
    let onEnd = (): void => {};
    const ended = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    const worker: Worker = { child, jobs: new Map(), ended, isReady: false };
    this.#workers.add(worker);
    child.on('message', (message) => this.#take(worker, message as FromWorker)); // of serveTasks
    let isOver = false;
    const over = (why: string): void => {
      if (isOver) return;
      isOver = true;
      this.#workers.delete(worker);
      onEnd();
      this.#bury(worker, why);
    };
    child.once('exit', (status, signal) => {
      const why = signal === null ? `exit status ${status}` : `signal ${signal}`;
      // What it had to say may still be on its way.
      if (child.connected) child.once('disconnect', () => over(why));
      else over(why);
    });
    child.once('error', (error) => over(error.message));
  }

  #take(worker: Worker, message: FromWorker): void {
    const number = 'number' in message ? message.number : undefined;
    const job = number === undefined ? undefined : worker.jobs.get(number);
    switch (message.kind) {
      case 'ready':
        worker.isReady = true;
        this.#vainStarts = 0;
        if (!this.#wasReady) this.#options.onReady?.(message.model);
        this.#wasReady = true;
        break;
      case 'progress':
        if (job) job.call.onProgress?.(message.progress);
        else if (!this.#wasReady) this.#options.onProgress?.(message.progress);
        return;
      case 'warning':
        (job?.call ?? this.#options).onWarning?.(message.warning);
        return;
      case 'result':
        worker.jobs.delete(message.number);
        job?.resolve(message.result);
        break;
      case 'error':
        this.#fail(errorOf(message.error));
        return;
    }
    this.#assign();
  }

  #assign(): void {
    if (this.#error !== undefined) return;
    const workers = [...this.#workers].sort((a, b) => a.jobs.size - b.jobs.size);
    for (const worker of workers) {
      if (worker.jobs.size === 0 && this.#suspects.length > 0) this.#give(worker, this.#suspects.shift()!); // there is one
    }
    const open = workers.filter(({ jobs }) => ![...jobs.values()].some(({ deaths }) => deaths > 0));
    while (this.#waiting.length > 0) {
      const next = leastBusy(open);
      if (!next || next.jobs.size >= this.#options.atOnce) return;
      this.#give(next, this.#waiting.shift()!); // there is one
    }
  }

  #give(worker: Worker, job: Job): void {
    const number = this.#number++;
    worker.jobs.set(number, job);
    const message: ToWorker = { number, task: job.task };
    // A worker that is gone is buried soon, and its jobs are given to others.
    worker.child.send(message, () => {});
  }

  #bury({ jobs, isReady }: Worker, why: string): void {
    if (this.#isClosing || this.#error !== undefined) return;
    this.#options.onDeath?.(why);
    for (const job of jobs.values()) {
      // While it loads the model no recording is to blame.
      if (isReady) job.deaths++;
      if (job.deaths >= MOST_ATTEMPTS) job.resolve(crashed(job, why));
      else (job.deaths > 0 ? this.#suspects : this.#waiting).push(job);
    }
    if (!isReady && ++this.#vainStarts >= MOST_VAIN_STARTS) {
      this.#fail(
        new DeviceError('workerFailed', `${this.#vainStarts} workers ended while they loaded the model: ${why}.`, {
          hint: 'There may not be memory for so many: take fewer --workers, or a smaller model.',
        }),
      );
      return;
    }
    this.#start();
    this.#assign();
  }

  /** Nothing more is begun, and what runs is left to `close`. */
  #fail(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    const inHand = [...this.#workers].flatMap(({ jobs }) => [...jobs.values()]);
    for (const { reject } of [...inHand, ...this.#waiting, ...this.#suspects]) reject(error);
  }
}

function leastBusy(workers: readonly Worker[]): Worker | undefined {
  let best: Worker | undefined;
  for (const worker of workers) if (!best || worker.jobs.size < best.jobs.size) best = worker;
  return best;
}

function crashed({ started, deaths }: Job, why: string): ItemResult {
  const error = new AudioError(
    'crashed',
    `The process that transcribed it ended ${deaths} times, the last time alone with it: ${why}.`,
    {
      hint: 'The memory of this machine may not suffice for it; if it does, please report it: it is a fault in sotto.',
    },
  );
  return { status: 'failed', ...failureOf(error), ms: Math.round(performance.now() - started) };
}
