/** A worker of a queue: takes recordings, some at once, until it is told to end or nothing is left. */
import { atMost } from '../../base/atMost.ts';
import { sleep } from '../../base/http.ts';
import { anySignal, untilAborted } from '../../base/signals.ts';
import type { Broker } from './broker.ts';
import { UNFINISHED } from './enqueue.ts';
import { JobRunner, type JobRunnerOptions, type WorkSummary } from './runJob.ts';

export interface WorkOptions extends JobRunnerOptions {
  /** Recordings at once. */
  readonly parallel: number;
  /** Ends when nothing is left in the queue, with nobody. */
  readonly untilEmpty: boolean;
  /** Milliseconds that recordings have to get done after `signal`; then they go back. */
  readonly shutdownMs: number;
  /** Takes no more jobs. */
  readonly signal: AbortSignal;
}

/** A job may lose so many workers before it is taken to be what they die of. */
const MAX_LOST = 5;
/** Jobs that are done are kept for so long, and so many, for what `status` tells. */
const KEPT = { age: 7 * 86_400, count: 100_000 };
/** The same error is not told again before. */
const TELL_MS = 60_000;
const POLL_MS = 500;
/** For a broker that is away when this worker ends. */
const CLOSE_MS = 5000;

/**
 * @returns when it was told to end, or nothing is left
 * @throws what the machine cannot go on with: a device that is lost, a disk that is full; {QueueError} `unreachable` if the
 *   broker is not there at the start
 */
export async function workOn(broker: Broker, options: WorkOptions): Promise<WorkSummary> {
  const { parallel, lockMs, signal, shutdownMs, note } = options;
  const runner = new JobRunner(broker.errors, options);
  const worker = broker.worker((job, token = '') => runner.process(job, token), {
    concurrency: parallel,
    ...{ lockDuration: lockMs, stalledInterval: lockMs },
    maxStalledCount: MAX_LOST,
    removeOnComplete: KEPT,
    // A broker that is away for a moment is asked again soon.
    ...{ runRetryDelay: 1000, drainDelay: 2 },
  });
  const tell = teller(note);
  worker.on('error', ({ message }) => tell(message));
  worker.on('lockRenewalFailed', (ids) => runner.lose(ids));
  const ready = worker.waitUntilReady().catch((error: unknown) => {
    throw broker.unreachable(error);
  });
  const stopped = new AbortController();
  const ended = anySignal(signal, runner.broken, stopped.signal);
  try {
    await untilAborted(ready, ended.signal);
    worker.run().catch((error: unknown) => stopped.abort(error));
    await untilOver(broker, runner, options.untilEmpty, ended.signal);
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  } finally {
    ended.release();
    await worker.pause(true);
    if (runner.count > 0 && !runner.broken.aborted) {
      note(`no more recordings are taken; ${runner.count} may finish within ${shutdownMs / 1000} s`);
      await untilIdle(runner, shutdownMs);
    }
    runner.giveBack();
    // A connection that is made after the end would stay open.
    await atMost(CLOSE_MS, ready);
    await atMost(CLOSE_MS, worker.close());
  }
  runner.broken.throwIfAborted();
  stopped.signal.throwIfAborted();
  return runner.summary;
}

/** @throws the signal's reason, which ends it where nothing else does */
async function untilOver(broker: Broker, runner: JobRunner, untilEmpty: boolean, signal: AbortSignal): Promise<void> {
  do await sleep(POLL_MS, signal);
  while (!untilEmpty || !(await untilAborted(isEmpty(broker, runner), signal)));
}

/** Nobody does anything any more, but for what only others can do. */
async function isEmpty({ queue }: Broker, { count, refused }: JobRunner): Promise<boolean> {
  if (count > 0) return false;
  try {
    const counts = await queue.getJobCounts(...UNFINISHED);
    const left = Object.values(counts).reduce((sum, one) => sum + one, 0);
    if (left === 0 || left > refused.size) return left === 0;
    const jobs = await queue.getJobs([...UNFINISHED], 0, left);
    return jobs.every(({ id = '' }) => refused.has(id));
  } catch {
    return false; // the broker is away
  }
}

async function untilIdle(runner: JobRunner, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (runner.count > 0 && Date.now() < end) await sleep(Math.min(POLL_MS, end - Date.now()), undefined);
}

/** Tells BullMQ's errors: of a broker that is away there are many. */
function teller(note: (sentence: string) => void): (message: string) => void {
  /** Errors, with when they were told. */
  const told = new Map<string, number>();
  return (message) => {
    // Who has lost a lock is told by name.
    if (/\block\b/.test(message)) return;
    const now = performance.now();
    if (now - (told.get(message) ?? Number.NEGATIVE_INFINITY) < TELL_MS) return;
    told.set(message, now);
    note(`the broker of the queue is waited for: ${message.replace(/\.$/, '')}`);
  };
}
