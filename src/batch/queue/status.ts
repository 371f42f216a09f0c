/** How far a queue is. */
import type { BatchItem } from '../item.ts';
import type { JobQueue, QueuedJob, State } from './broker.ts';

export interface QueueStatus {
  /** Jobs that wait for their turn, for another attempt, or for a worker that can do them. */
  readonly waiting: number;
  readonly active: number;
  readonly done: number;
  readonly failed: readonly FailedJob[];
  /** Of sound. */
  readonly seconds: {
    readonly done: number;
    /** An estimate. */
    readonly left: number;
  };
  /** Seconds of sound that all workers do in a second, of late; undefined when nothing was done of late. */
  readonly speed: number | undefined;
  /** Until all is done, at this speed. */
  readonly secondsLeft: number | undefined;
}

export interface FailedJob {
  readonly id: string;
  readonly audio: string;
  readonly error: string;
}

/** What is known of lengths: from their bytes, by what those that are done have had. */
export interface LengthEstimates {
  measured(item: Pick<BatchItem, 'audio' | 'bytes'>, seconds: number): void;
  estimate(item: Pick<BatchItem, 'audio' | 'bytes' | 'seconds'>): number;
}

const PAGE = 1000;
/** The speed is that of the last ten minutes. */
const LATE_MS = 600_000;

export async function queueStatus(queue: JobQueue, lengths: LengthEstimates): Promise<QueueStatus> {
  let done = 0;
  let secondsDone = 0;
  const late = { seconds: 0, from: Number.POSITIVE_INFINITY };
  const now = Date.now();
  for await (const { data, returnvalue, finishedOn = 0 } of jobsOf(queue, 'completed')) {
    done++;
    if (!returnvalue || returnvalue.isOld) continue;
    const { seconds, ms } = returnvalue;
    secondsDone += seconds;
    lengths.measured(data.item, seconds);
    if (finishedOn < now - LATE_MS) continue;
    late.seconds += seconds;
    late.from = Math.min(late.from, Math.max(finishedOn - ms, now - LATE_MS));
  }
  const counts = { waiting: 0, active: 0 };
  let left = 0;
  for (const state of ['waiting', 'prioritized', 'delayed', 'active'] as const) {
    for await (const { data } of jobsOf(queue, state)) {
      counts[state === 'active' ? 'active' : 'waiting']++;
      left += lengths.estimate(data.item);
    }
  }
  const speed = late.seconds > 0 ? (1000 * late.seconds) / Math.max(1, now - late.from) : undefined;
  return {
    ...counts,
    done,
    failed: await failedJobs(queue),
    seconds: { done: secondsDone, left },
    speed,
    secondsLeft: left === 0 ? 0 : speed && left / speed,
  };
}

async function failedJobs(queue: JobQueue): Promise<FailedJob[]> {
  const failed: FailedJob[] = [];
  for await (const { id = '', data, failedReason } of jobsOf(queue, 'failed')) {
    const { item } = data as Partial<typeof data>; // of another program it may be anything
    failed.push({ id: item?.id ?? id, audio: item?.audio ?? '', error: sentenceOf(failedReason) });
  }
  return failed.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Jobs of one state; those that change it meanwhile may come twice or not at all. */
export async function* jobsOf(queue: JobQueue, state: State): AsyncGenerator<QueuedJob, void, undefined> {
  for (let at = 0; ; at += PAGE) {
    const jobs = await queue.getJobs([state], at, at + PAGE - 1);
    yield* jobs;
    if (jobs.length < PAGE) return;
  }
}

/** BullMQ's own words for a job whose workers were lost too often. */
const LOST = 'job stalled more than allowable limit';

export function isLostTooOften({ failedReason }: QueuedJob): boolean {
  return failedReason === LOST;
}

function sentenceOf(reason: string): string {
  return reason === LOST
    ? 'Its workers were lost in the middle of it, one after another: it may be what they die of.'
    : reason;
}
