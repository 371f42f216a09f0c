/**
 * Transcriptions that nobody waits for with a connection: `?async=true` answers at once, and the result is fetched later. Each
 * is a folder with its sound, what was asked and in the end what came out, so that a restart goes on with what is not done.
 */
import { randomBytes } from 'node:crypto';
import { OptionsError } from '../base/errors.ts';
import { anySignal } from '../base/signals.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { ApiError, type ErrorBody, logged, toApiError } from './errors.ts';
import { JobFiles, type JobRecord } from './jobFiles.ts';
import type { Metrics } from './metrics.ts';
import type { Models } from './models.ts';
import type { Asked, OptionReader } from './parameters.ts';
import type { Queue, Ticket } from './queue.ts';
import { runWork } from './work.ts';

export interface JobsOptions {
  /** Where they are kept; made when the first one comes. */
  readonly folder: string;
  /** Milliseconds that a result is kept. */
  readonly keepMs: number;
  readonly queue: Queue;
  readonly models: Models;
  readonly metrics: Metrics;
  readonly reader: OptionReader;
  readonly log: (line: string) => void;
  /** Aborts what runs. */
  readonly stopping: AbortSignal;
}

/** What is asked of a new one. */
export interface NewJob {
  /** A WAV file, which is moved. */
  readonly path: string;
  readonly seconds: number;
  readonly model: string;
  readonly asked: Asked;
  /** Whose it is, where there are keys: nobody else sees it. */
  readonly owner: string;
}

/** As clients see it. */
export interface JobView {
  readonly id: string;
  readonly [field: string]: unknown;
}

interface Job {
  record: JobRecord;
  ticket: Ticket | undefined;
  readonly abort: AbortController;
  /** Seconds of sound that are done. */
  reached: number;
}

const SWEEP_MS = 60_000;

export class Jobs {
  readonly #options: JobsOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #files: JobFiles;
  #isStopping = false;

  /**
   * Goes on with what is not done.
   *
   * @throws {OptionsError} `stateFolder` if another server uses the folder
   */
  constructor(options: JobsOptions) {
    this.#options = options;
    this.#files = new JobFiles(options.folder);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
    try {
      this.#resume();
    } catch (error) {
      clearInterval(this.#sweeper);
      throw error;
    }
  }

  /** @param ticket goes with the job */
  async add({ path, ...about }: NewJob, ticket: Ticket): Promise<JobView> {
    const id = `job_${randomBytes(16).toString('hex')}`;
    const record: JobRecord = { id, created: Date.now(), status: 'queued', ...about };
    try {
      this.#files.create(record, path);
    } catch (error) {
      if (error instanceof OptionsError) throw new ApiError(503, error.message, { code: 'no_room' });
      if (!isSystemError(error)) throw error;
      throw new ApiError(503, `The job cannot be kept: ${systemReason(error)}.`, { code: 'no_room' });
    }
    return this.#view(this.#begin(record, ticket));
  }

  /** Those of one owner, the newest first. */
  list(owner: string): readonly JobView[] {
    return [...this.#jobs.values()]
      .filter(({ record }) => record.owner === owner)
      .reverse()
      .map((job) => this.#view(job, false));
  }

  /** With its result if it is done. @throws {ApiError} 404 */
  get(id: string, owner: string): JobView {
    return this.#view(this.#find(id, owner));
  }

  /** What the request would have been answered. @throws {ApiError} 404, 409 before it is done, what it failed with */
  result(id: string, owner: string): Response {
    const { record } = this.#find(id, owner);
    if (record.status === 'done') {
      return new Response(this.#files.result(record.id), {
        headers: { 'content-type': record.contentType ?? 'text/plain' },
      });
    }
    if (record.error) throw new ApiError(422, record.error.message, errorDetails(record.error));
    throw new ApiError(409, `The job is ${record.status}.`, { code: 'not_done', retryAfter: 1 });
  }

  /** Stops it, if it is not done, and forgets it. @throws {ApiError} 404 */
  remove(id: string, owner: string): JobView {
    this.#drop(this.#find(id, owner));
    return { id, object: 'transcription.job', deleted: true };
  }

  /** What waits will go on after a restart; what runs is left to the signal. */
  stop(): void {
    this.#isStopping = true;
    clearInterval(this.#sweeper);
    for (const job of this.#jobs.values()) if (job.record.status === 'queued') job.abort.abort();
  }

  /** When all have ended. */
  close(): void {
    this.#files.release();
  }

  #resume(): void {
    for (const record of this.#files.load()) {
      const isOver = record.status === 'done' || record.status === 'failed';
      if (isOver) this.#jobs.set(record.id, { record, ticket: undefined, abort: new AbortController(), reached: 0 });
      else this.#begin(record, this.#options.queue.enter(record.owner, true));
    }
    this.#sweep();
  }

  #begin(record: JobRecord, ticket: Ticket): Job {
    const job: Job = { record, ticket, abort: new AbortController(), reached: 0 };
    this.#jobs.set(record.id, job);
    ticket.setSeconds(record.seconds);
    void this.#run(job, ticket);
    return job;
  }

  async #run(job: Job, ticket: Ticket): Promise<void> {
    const { models, reader, stopping, log } = this.#options;
    const { id, model, asked } = job.record;
    const { signal, release } = anySignal(job.abort.signal, stopping);
    try {
      const settings = reader.read(new Map(Object.entries(asked.options)));
      const work = { path: this.#files.sound(id), model: models.nameOf(model), asked, settings };
      const { answer } = await runWork(this.#options, work, ticket, signal, {
        onBegin: () => {
          job.record = { ...job.record, status: 'running' };
        },
        onProgress: (seconds) => {
          job.reached = seconds;
        },
      });
      signal.throwIfAborted();
      this.#files.writeResult(id, answer.body);
      this.#finish(job, { status: 'done', contentType: answer.contentType });
    } catch (error) {
      // Removed, or the server is being stopped: it waits for the next one.
      if (signal.aborted) return;
      const reason = logged(error);
      if (reason !== undefined) log(`${id}: ${reason}`);
      this.#finish(job, { status: 'failed', error: toApiError(error).body });
    } finally {
      release();
      ticket.leave();
    }
  }

  #finish(job: Job, end: Pick<JobRecord, 'status' | 'contentType' | 'error'>): void {
    const { id } = job.record;
    job.record = { ...job.record, ...end, finished: Date.now() };
    job.ticket = undefined;
    try {
      this.#files.save(job.record);
      this.#files.removeSound(id);
    } catch (error) {
      this.#options.log(`${id}: ${systemReason(error)}`);
    }
  }

  #drop(job: Job): void {
    const { id } = job.record;
    job.abort.abort();
    this.#jobs.delete(id);
    this.#files.remove(id);
  }

  #sweep(): void {
    const oldest = Date.now() - this.#options.keepMs;
    for (const job of this.#jobs.values()) {
      const { finished } = job.record;
      if (finished !== undefined && finished < oldest) this.#drop(job);
    }
  }

  #find(id: string, owner: string): Job {
    const job = this.#jobs.get(id);
    if (job && job.record.owner === owner) return job;
    throw new ApiError(404, 'There is no such job: it is over for long, was deleted, or never was.', {
      code: 'job_not_found',
    });
  }

  #view({ record, ticket, reached }: Job, withResult = true): JobView {
    const { id, status, created, finished, model, seconds, error, asked } = record;
    return {
      id,
      object: 'transcription.job',
      status,
      created_at: Math.floor(created / 1000),
      ...(finished !== undefined && { finished_at: Math.floor(finished / 1000) }),
      model,
      response_format: asked.format,
      /** Seconds of sound. */
      duration: seconds,
      ...(status === 'queued' && !this.#isStopping && { position: ticket?.position ?? 0 }),
      ...(status === 'running' && { progress: Math.min(1, seconds > 0 ? reached / seconds : 1) }),
      ...(error && { error }),
      ...(status === 'done' && withResult && { result: this.#resultOf(record) }),
    };
  }

  /** An object where it is JSON, else the text. */
  #resultOf(record: JobRecord): unknown {
    const text = this.#files.result(record.id);
    return record.contentType === 'application/json' ? JSON.parse(text) : text;
  }
}

function errorDetails({ param, code }: ErrorBody): { readonly param?: string; readonly code?: string } {
  return { ...(param !== null && { param }), ...(code !== null && { code }) };
}
