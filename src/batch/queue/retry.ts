/** Puts what failed in the queue again, as if it had never been tried. */
import type { JobQueue, NewJob, QueuedJob } from './broker.ts';
import { jobId, priorityOf } from './job.ts';
import { isLostTooOften, jobsOf } from './status.ts';

export interface Retried {
  readonly retried: number;
  /** Of the recordings that were named, those that have not failed. */
  readonly unknown: readonly string[];
}

/**
 * @param ids of recordings; all that failed when there are none
 * @param estimate seconds of a recording, as far as can be told
 */
export async function retryFailed(
  queue: JobQueue,
  ids: readonly string[],
  estimate: (job: QueuedJob) => number,
): Promise<Retried> {
  const failed: QueuedJob[] = [];
  for await (const job of jobsOf(queue, 'failed')) failed.push(job);
  const wanted = ids.length === 0 ? failed : failed.filter(({ data }) => ids.includes(data.item.id));
  for (const job of wanted) {
    // BullMQ goes on counting lost workers, and would fail it at once.
    if (isLostTooOften(job)) await putInAnew(queue, job, estimate(job));
    else await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
  }
  const found = new Set(wanted.map(({ data }) => data.item.id));
  return { retried: wanted.length, unknown: ids.filter((id) => !found.has(id)) };
}

async function putInAnew(queue: JobQueue, job: QueuedJob, seconds: number): Promise<void> {
  const { data } = job;
  const anew: NewJob = { name: data.item.id, data, opts: { jobId: jobId(data.key), priority: priorityOf(seconds) } };
  await job.remove();
  await queue.addBulk([anew]);
}
