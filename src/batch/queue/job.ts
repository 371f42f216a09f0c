/** What a job of a queue holds: all that a worker on another machine has to know of one recording. */
import { QueueError } from '../../base/errors.ts';
import { FORMATS, type Format } from '../../output/writer.ts';
import type { BatchItem } from '../item.ts';

/** Counts up when a worker of an older version could no longer do what a job asks. */
export const JOB_VERSION = 1;

export interface JobData {
  readonly version: typeof JOB_VERSION;
  /** Of `itemKey`, which is also what the job is called in the queue. */
  readonly key: string;
  readonly item: BatchItem;
  /** Those of the command line and of the recording, by their names there and as they are written. */
  readonly options: Readonly<Record<string, string>>;
  readonly formats: readonly Format[];
  readonly model: JobModel;
  readonly place: OutputPlace;
  /** Also what is there already is made again. */
  readonly force?: boolean;
}

export interface JobModel {
  /** As users name it. */
  readonly name: string;
  /** Of its weights and of how they are stored: only a worker that has the same does the job. */
  readonly identity: string;
  /** Of the command line, as far as the identity depends on them. */
  readonly options?: Readonly<Record<string, string>>;
}

/** Where outputs go. */
export type OutputPlace =
  | {
      readonly kind: 'folder';
      /** Absolute. */
      readonly path: string;
      /** What is written in a file there, so that another folder of the same path is not taken for it. */
      readonly mark: string;
    }
  | { readonly kind: 's3'; readonly address: string };

/** What a job that is done leaves. */
export interface JobResult {
  /** Of sound; 0 where its outputs were there already. */
  readonly seconds: number;
  readonly ms: number;
  readonly isOld?: true;
}

/** A recording's name in a queue: BullMQ takes neither a colon nor a number. */
export function jobId(key: string): string {
  return `k${key}`;
}

/** BullMQ's numbers: 1 is first, the largest is last. */
const MAX_PRIORITY = 2 ** 21;

/**
 * Long recordings first, so that no worker begins one of hours when the others are done.
 *
 * @param seconds of sound, or an estimate
 */
export function priorityOf(seconds: number): number {
  // By ratios: 2 s before 1 s, as 2 h before 1 h. 2^20 s are twelve days.
  const scaled = (Math.log2(1 + Math.max(0, seconds)) / 20) * (MAX_PRIORITY - 1);
  return Math.max(1, MAX_PRIORITY - Math.round(Math.min(scaled, MAX_PRIORITY - 1)));
}

/** Was it put in by a version of sotto that knows more than this one? */
export function isOfLaterVersion({ version }: { readonly version?: number }): boolean {
  return typeof version === 'number' && version > JOB_VERSION;
}

/** @throws {QueueError} `job` for what is no job of sotto's */
export function checkJob(data: JobData): void {
  const { key, item, formats } = data as Partial<JobData>; // of another program it may be anything
  const isWhole = typeof key === 'string' && typeof item?.audio === 'string' && typeof item.name === 'string';
  if (!isWhole || !formats?.every((format) => FORMATS.includes(format))) {
    throw refused(
      'it holds no recording',
      'Another program has a queue of this name: take another one (--queue_name).',
    );
  }
  // What a job names is written below the place for outputs, and nowhere else.
  if (item.name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw refused(`its outputs would be called ${item.name}`);
  }
}

function refused(why: string, hint?: string): QueueError {
  return new QueueError('job', `The job cannot be done: ${why}.`, hint === undefined ? {} : { hint });
}
