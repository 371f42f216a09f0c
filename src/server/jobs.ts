/**
 * Transcriptions that nobody waits for with a connection: `?async=true` answers at once, and the result is fetched later. Each
 * is a folder with its sound, what was asked and in the end what came out, so that a restart goes on with what is not done.
 */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { OptionsError } from '../base/errors.ts';
import { anySignal } from '../base/signals.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { ApiError, type ErrorBody, logged, toApiError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { Models } from './models.ts';
import type { Asked, OptionReader } from './parameters.ts';
import type { Queue, Ticket } from './queue.ts';
import { isAlive } from './spool.ts';
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

type Status = 'queued' | 'running' | 'done' | 'failed';

/** `job.json` */
interface JobRecord {
  readonly id: string;
  readonly owner: string;
  /** Unix milliseconds. */
  readonly created: number;
  readonly seconds: number;
  readonly model: string;
  readonly asked: Asked;
  /** In the file never `running`: after a restart it waits again. */
  readonly status: Status;
  readonly finished?: number;
  readonly contentType?: string;
  readonly error?: ErrorBody;
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

const LOCK = 'server.pid';
const SWEEP_MS = 60_000;
const ID = /^job_[\da-f]{32}$/;

export class Jobs {
  readonly #options: JobsOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #sweeper: NodeJS.Timeout;
  #isLocked = false;
  #isStopping = false;

  /**
   * Goes on with what is not done.
   *
   * @throws {OptionsError} `stateFolder` if another server uses the folder
   */
  constructor(options: JobsOptions) {
    this.#options = options;
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
      this.#lock();
      mkdirSync(this.#at(id), { mode: 0o700 });
      move(path, this.#at(id, 'sound.wav'));
      this.#save(record);
    } catch (error) {
      rmSync(this.#at(id), { recursive: true, force: true });
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
      return new Response(this.#read(record), { headers: { 'content-type': record.contentType ?? 'text/plain' } });
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
    if (this.#isLocked) rmSync(join(this.#options.folder, LOCK), { force: true });
    this.#isLocked = false;
  }

  #resume(): void {
    let names: string[];
    try {
      names = readdirSync(this.#options.folder).filter((name) => ID.test(name));
    } catch {
      return; // no folder: no jobs
    }
    if (names.length === 0) return;
    this.#lock();
    const records = names.flatMap((id) => this.#load(id)).sort((a, b) => a.created - b.created);
    for (const record of records) {
      const isOver = record.status === 'done' || record.status === 'failed';
      if (isOver) this.#jobs.set(record.id, { record, ticket: undefined, abort: new AbortController(), reached: 0 });
      else this.#begin(record, this.#options.queue.enter(record.owner, true));
    }
    this.#sweep();
  }

  /** Of a folder without a whole record nothing was promised to anybody. */
  #load(id: string): JobRecord[] {
    try {
      // Written by us, in one step.
      return [JSON.parse(readFileSync(this.#at(id, 'job.json'), 'utf8')) as JobRecord];
    } catch {
      rmSync(this.#at(id), { recursive: true, force: true });
      return [];
    }
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
      const work = { path: this.#at(id, 'sound.wav'), model: models.nameOf(model), asked, settings };
      const { answer } = await runWork(this.#options, work, ticket, signal, {
        onBegin: () => {
          job.record = { ...job.record, status: 'running' };
        },
        onProgress: (seconds) => {
          job.reached = seconds;
        },
      });
      signal.throwIfAborted();
      writeFileSync(this.#at(id, 'result'), answer.body);
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
      this.#save(job.record);
      rmSync(this.#at(id, 'sound.wav'), { force: true });
    } catch (error) {
      this.#options.log(`${id}: ${systemReason(error)}`);
    }
  }

  #drop(job: Job): void {
    const { id } = job.record;
    job.abort.abort();
    this.#jobs.delete(id);
    rmSync(this.#at(id), { recursive: true, force: true });
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
    const text = this.#read(record);
    return record.contentType === 'application/json' ? JSON.parse(text) : text;
  }

  #read({ id }: JobRecord): string {
    return readFileSync(this.#at(id, 'result'), 'utf8');
  }

  #save(record: JobRecord): void {
    const path = this.#at(record.id, 'job.json');
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
  }

  #at(id: string, ...names: readonly string[]): string {
    return join(this.#options.folder, id, ...names);
  }

  #lock(): void {
    if (this.#isLocked) return;
    const { folder } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, LOCK);
    for (let tries = 0; ; tries++) {
      try {
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        this.#isLocked = true;
        return;
      } catch (error) {
        if (!isSystemError(error) || error.code !== 'EEXIST' || tries > 0) throw error;
        const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
        if (isAlive(pid)) {
          throw new OptionsError('stateFolder', `The jobs in ${folder} are another server's, process ${pid}.`, {
            hint: 'Give each server a folder of its own: --state_dir.',
          });
        }
        rmSync(path, { force: true });
      }
    }
  }
}

/** Onto another disk too. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EXDEV') throw error;
    copyFileSync(from, to);
    rmSync(from);
  }
}

function errorDetails({ param, code }: ErrorBody): { readonly param?: string; readonly code?: string } {
  return { ...(param !== null && { param }), ...(code !== null && { code }) };
}
