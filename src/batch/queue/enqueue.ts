/** Puts recordings into a queue, each once. */
import { QueueError } from '../../base/errors.ts';
import type { Format } from '../../output/writer.ts';
import type { BatchTask } from '../executor.ts';
import type { JobQueue, NewJob, QueuedJob, State } from './broker.ts';
import { JOB_VERSION, type JobData, type JobModel, jobId, type OutputPlace, priorityOf } from './job.ts';
import type { OpenPlace } from './places.ts';

export interface EnqueueOptions {
  readonly model: JobModel;
  readonly formats: readonly Format[];
  readonly place: OutputPlace;
  /** The place as it is opened here, for what is there already. */
  readonly opened: OpenPlace;
  /** Those of the command line, as they are written there; a recording's own come before them. */
  readonly options: Readonly<Record<string, string>>;
  /** Seconds of a recording, as far as can be told. */
  readonly estimate: (task: BatchTask) => number;
  /** Also what is there already is made again. */
  readonly force?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

export interface Enqueued {
  /** Put in now. */
  readonly added: number;
  /** In the queue already: they wait, or somebody does them. */
  readonly queued: number;
  /** Their outputs are there. */
  readonly done: number;
  /** In the queue, and failed. */
  readonly failed: number;
}

/** Asked for and added in one round. */
const AT_ONCE = 64;
/** Of jobs that are not over. */
export const UNFINISHED = ['active', 'waiting', 'prioritized', 'delayed'] as const satisfies readonly State[];

/** @throws {QueueError} `model` if the queue is one for another model; the broker's errors; the signal's reason */
export async function enqueue(
  queue: JobQueue,
  tasks: readonly BatchTask[],
  options: EnqueueOptions,
): Promise<Enqueued> {
  await checkModel(queue, options.model);
  const counts = { added: 0, queued: 0, done: 0, failed: 0 };
  for (let i = 0; i < tasks.length; i += AT_ONCE) {
    options.signal.throwIfAborted();
    const some = tasks.slice(i, i + AT_ONCE);
    const jobs = await Promise.all(some.map((task) => jobOf(queue, task, options, counts)));
    await queue.addBulk(jobs.filter((job) => job !== undefined));
    options.onProgress?.(i + some.length);
  }
  return counts;
}

/** The job that is to be added; undefined where there is nothing to do. */
async function jobOf(
  queue: JobQueue,
  task: BatchTask,
  options: EnqueueOptions,
  counts: { -readonly [N in keyof Enqueued]: number },
): Promise<NewJob | undefined> {
  const { item, key } = task;
  const { model, formats, place, opened, force = false } = options;
  const id = jobId(key);
  const state = await queue.getJobState(id);
  if (state === 'failed') {
    counts.failed++;
    return undefined;
  }
  // Of one that is done the outputs may have been taken away since.
  if (state !== 'unknown' && state !== 'completed') {
    counts.queued++;
    return undefined;
  }
  if (!force && (await opened.isDone(item, key, false))) {
    counts.done++;
    return undefined;
  }
  if (state === 'completed') await queue.remove(id);
  counts.added++;
  const data: JobData = {
    ...{ version: JOB_VERSION, key, item, formats, model, place },
    options: { ...options.options, ...item.options },
    ...(force && { force }),
  };
  return { name: item.id, data, opts: { jobId: id, priority: priorityOf(options.estimate(task)) } };
}

/**
 * A job that is not done yet; the model of one is the model of all.
 *
 * @returns undefined for a queue in which nothing is to be done
 */
export async function someJob(queue: JobQueue): Promise<QueuedJob | undefined> {
  for (const state of UNFINISHED) {
    const [job] = await queue.getJobs([state], 0, 0);
    if (job) return job;
  }
  return undefined;
}

/** A worker has one model, and would have to leave the jobs of others. */
async function checkModel(queue: JobQueue, { name, identity }: JobModel): Promise<void> {
  const model = (await someJob(queue))?.data.model;
  if (!model || model.identity === identity) return;
  const isSameName = model.name === name ? ', with other weights' : '';
  throw new QueueError(
    'model',
    `The queue has jobs for the model ${model.name}${isSameName}, and these are for ${name}.`,
    {
      hint: 'Take another queue for them (--queue_name), with workers of its own.',
    },
  );
}
