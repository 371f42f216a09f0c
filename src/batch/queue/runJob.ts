/**
 * One job of a queue: from what it says to outputs that are published, as long as the job is this worker's own.
 *
 * A broker gives a job to somebody else when its lock is not renewed in time: after a crash, a machine that was taken away, a
 * process that stood still. So the lock is asked for once more just before the files get their names, and what was lost is
 * thrown away. A job whose outputs are there is done without work, whoever made them.
 */
import { asError } from '../../base/asError.ts';
import { DeviceError, OutputError, QueueError, SottoError } from '../../base/errors.ts';
import { sleep } from '../../base/http.ts';
import type { Progress, Warning } from '../../base/progress.ts';
import { anySignal, untilAborted } from '../../base/signals.ts';
import { type Failure, failureOf, stopsRun } from '../failure.ts';
import type { BatchItem, ItemOptions, ItemSettings } from '../item.ts';
import { type ItemResult, processItem, type Transcriber } from '../processItem.ts';
import { entryOf } from '../run.ts';
import type { OpenAudio } from '../sources/openAudio.ts';
import { ATTEMPTS, type Broker, type RunningJob } from './broker.ts';
import { checkJob, isOfLaterVersion, type JobData, type JobModel, type JobResult } from './job.ts';
import type { OpenPlace, Places } from './places.ts';

export interface JobEvents {
  readonly onBegin?: ((item: BatchItem) => void) | undefined;
  /** Of jobs whose outputs were there already too. */
  readonly onDone?: ((item: BatchItem, result: JobResult) => void) | undefined;
  /** @param isFinal it is not tried again */
  readonly onFailed?: ((item: BatchItem, failure: Failure, isFinal: boolean) => void) | undefined;
  readonly onProgress?: ((item: BatchItem, progress: Progress) => void) | undefined;
  readonly onWarning?: ((item: BatchItem, warning: Warning) => void) | undefined;
  /** Something about the queue or this worker that is worth a line. */
  readonly note: (sentence: string) => void;
}

export interface JobRunnerOptions extends JobEvents {
  readonly model: JobModel;
  readonly transcriber: Transcriber;
  readonly openAudio: OpenAudio;
  readonly places: Places;
  readonly reader: ItemOptions;
  /** Milliseconds after which the recordings of a worker that fell silent go to others. */
  readonly lockMs: number;
}

export interface WorkSummary {
  /** By this worker. */
  done: number;
  /** Whose outputs were there. */
  old: number;
  failed: number;
  /** Of sound that was transcribed. */
  seconds: number;
}

/** A job that this worker cannot do is offered again after so long. */
const REFUSED_MS = 10_000;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 2000];

export class JobRunner {
  /** By id, what aborts them. */
  readonly #running = new Map<string, AbortController>();
  /** Those that others have to do. */
  readonly refused: Set<string> = new Set();
  readonly #noted = new Set<string>();
  readonly #broken = new AbortController();
  readonly #giveBack = new AbortController();
  readonly #errors: Broker['errors'];
  readonly #options: JobRunnerOptions;
  readonly summary: WorkSummary = { done: 0, old: 0, failed: 0, seconds: 0 };

  constructor(errors: Broker['errors'], options: JobRunnerOptions) {
    this.#errors = errors;
    this.#options = options;
  }

  /** Aborted with what the machine cannot go on with: a device that is lost, a disk that is full. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** Jobs that run. */
  get count(): number {
    return this.#running.size;
  }

  /** What runs goes back to the queue. */
  giveBack(): void {
    this.#giveBack.abort(new Error('given back'));
  }

  /** Others have them now. */
  lose(ids: readonly string[]): void {
    for (const id of ids) this.#running.get(id)?.abort(lost());
  }

  /** @throws what BullMQ is to do with the job if it is not done */
  async process(job: RunningJob, token: string): Promise<JobResult> {
    const { id = '', data } = job;
    if (!isOfLaterVersion(data)) this.#check(data);
    const abort = new AbortController();
    const { signal, release } = anySignal(abort.signal, this.#broken.signal, this.#giveBack.signal);
    this.#running.set(id, abort);
    this.refused.delete(id);
    try {
      return await this.#do(job, token, signal);
    } catch (error) {
      if (abort.signal.aborted || isTakenOver(error)) {
        this.#options.note(`${data.item.id} was taken over by another worker: what was made of it here is thrown away`);
        throw lost();
      }
      if (error instanceof QueueError) return await this.#refuse(job, token, error);
      const isStopped = signal.aborted;
      if (!isStopped && stopsRun(error, ownItem(data))) this.#broken.abort(error);
      // A recording that a device is lost by is not to end one worker after another.
      if (isStopped || (this.#broken.signal.aborted && !(error instanceof DeviceError))) {
        await job.moveToWait(token).catch(() => {}); // a lock that ends does the same
        throw new this.#errors.WaitingError();
      }
      if (!(error instanceof SottoError)) throw error; // it has been told
      const failure = failureOf(error);
      const isFinal = !(error instanceof DeviceError) && !isOfMachine(failure);
      return this.#fail(job, { status: 'failed', ...failure, ms: 0 }, isFinal);
    } finally {
      this.#running.delete(id);
      release();
    }
  }

  /** @throws UnrecoverableError */
  #check(data: JobData): void {
    try {
      checkJob(data);
    } catch (error) {
      const { message } = asError(error);
      this.#noteOnce(message);
      throw new this.#errors.UnrecoverableError(message);
    }
  }

  async #do(job: RunningJob, token: string, signal: AbortSignal): Promise<JobResult> {
    const { data } = job;
    if (isOfLaterVersion(data)) {
      throw new QueueError('model', 'The queue has jobs of a later version of sotto.', { hint: 'Update sotto here.' });
    }
    const { item, key, model } = data;
    const own = this.#options.model;
    if (model.identity !== own.identity) {
      throw new QueueError(
        'model',
        `The queue has jobs for the model ${model.name}, and this worker has ${own.name}.`,
        {
          hint: 'They are left to workers with the same weights.',
        },
      );
    }
    const place = await this.#options.places.open(data.place, data.formats);
    let settings: ItemSettings;
    try {
      settings = this.#options.reader.read(new Map(Object.entries(data.options)));
    } catch (error) {
      return this.#fail(job, { status: 'failed', ...failureOf(error), ms: 0 }, true, place);
    }
    if (!data.force && (await place.isDone(item, key, job.attemptsStarted > 1))) {
      return this.#succeed(item, { seconds: 0, ms: 0, isOld: true });
    }
    this.#options.onBegin?.(item);
    const result = await this.#transcribe(job, token, settings, place, signal);
    if (result.status === 'failed') return this.#fail(job, result, !isOfMachine(result), place);
    place.append(entryOf({ item, key }, result));
    return this.#succeed(item, { seconds: result.seconds, ms: result.ms });
  }

  #transcribe(
    job: RunningJob,
    token: string,
    settings: ItemSettings,
    { outputs }: OpenPlace,
    signal: AbortSignal,
  ): Promise<ItemResult> {
    const { transcriber, openAudio, lockMs, onProgress, onWarning } = this.#options;
    const item = ownItem(job.data);
    const { key } = job.data;
    return processItem(
      { item, key, settings },
      { transcriber, openAudio, outputs },
      {
        signal,
        mayPublish: () => holdsLock(job, token, lockMs, signal),
        onProgress: onProgress && ((progress) => onProgress(item, progress)),
        onWarning: onWarning && ((warning) => onWarning(item, warning)),
      },
    );
  }

  #succeed(item: BatchItem, result: JobResult): JobResult {
    if (result.isOld) this.summary.old++;
    else this.summary.done++;
    this.summary.seconds += result.seconds;
    this.#options.onDone?.(item, result);
    return result;
  }

  /** @param isFinal for this recording another machine would do no better */
  #fail(
    { data, attemptsMade }: RunningJob,
    result: ItemResult & { readonly status: 'failed' },
    isFinal: boolean,
    place?: OpenPlace,
  ): never {
    const { item, key } = data;
    const isLast = isFinal || attemptsMade + 1 >= ATTEMPTS;
    if (isLast) {
      this.summary.failed++;
      place?.append(entryOf({ item, key }, result));
    }
    this.#options.onFailed?.(item, result, isLast);
    const sentence = result.hint === undefined ? result.error : `${result.error} ${result.hint}`;
    throw isFinal ? new this.#errors.UnrecoverableError(sentence) : new Error(sentence);
  }

  /** Leaves a job to others. */
  async #refuse(job: RunningJob, token: string, { message, hint }: QueueError): Promise<never> {
    this.#noteOnce(hint === undefined ? message : `${message} ${hint}`);
    if (job.id !== undefined) this.refused.add(job.id);
    await job.moveToDelayed(Date.now() + REFUSED_MS, token);
    throw new this.#errors.DelayedError();
  }

  #noteOnce(sentence: string): void {
    if (this.#noted.has(sentence)) return;
    this.#noted.add(sentence);
    this.#options.note(sentence);
  }
}

/** What is wrong with options is a matter of the job, which has them all: the next one may have others. */
function ownItem({ item, options }: JobData): BatchItem {
  return { ...item, options };
}

/** Asks the broker, and waits for one that is away. @throws the signal's reason */
async function holdsLock(job: RunningJob, token: string, lockMs: number, signal: AbortSignal): Promise<boolean> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return (await untilAborted(job.extendLock(token, lockMs), signal)) === 1;
    } catch {
      signal.throwIfAborted();
    }
    await sleep(pause, signal);
  }
}

/** Codes of errors of which another machine, or another hour, may be free. */
const OF_MACHINE: ReadonlySet<string> = new Set(['notFound', 'file', 'fetch', 'folder', 'unsupported']);

function isOfMachine({ code }: Failure): boolean {
  // What is written in capitals is the system's.
  return OF_MACHINE.has(code) || /^E[A-Z]+$/.test(code);
}

function isTakenOver(error: unknown): boolean {
  return error instanceof OutputError && error.code === 'takenOver';
}

function lost(): OutputError {
  return new OutputError('takenOver', 'Another worker has the recording now.');
}
