/** Who transcribes for a batch: this process with a model of its own, or workers that each have one. */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { locateModel } from '../../weights/locate.ts';
import type { Executor } from '../batch/executor.ts';
import { inProcess } from '../batch/inProcess.ts';
import { modelIdentity } from '../batch/modelIdentity.ts';
import type { OutputStore } from '../batch/outputs.ts';
import { type BucketOf, openS3Audio } from '../batch/s3/openS3.ts';
import { openAudio } from '../batch/sources/openAudio.ts';
import { WorkerPool } from '../batch/workers/workerPool.ts';
import { namedModel } from '../checkpoint/modelNames.ts';
import { load, type NodeLoadOptions } from '../load.node.ts';
import type { BatchSettings } from './batchSettings.ts';
import { AT_ONCE, WORKER } from './batchWorker.ts';
import type { CommandIo } from './io.ts';
import { modelLine } from './modelLine.ts';
import { hostPlatform } from './platform.ts';
import type { ProgressDisplay } from './progress.ts';

export interface ExecutorOptions {
  readonly settings: BatchSettings;
  /** What is written on the command line. */
  readonly values: ReadonlyMap<string, string>;
  readonly model: BatchModel;
  readonly outputs: OutputStore;
  readonly bucketOf: BucketOf;
  readonly display: ProgressDisplay;
  readonly io: CommandIo;
  /** How many there are: more workers than these would have nothing to do. */
  readonly tasks: number;
}

/** Hands over who transcribes, and ends it afterwards. */
export async function withExecutor(
  options: ExecutorOptions,
  work: (executor: Executor) => Promise<void>,
): Promise<void> {
  const { settings, tasks } = options;
  const { workers } = settings.own;
  // Who asks for several wants a crash to end one of them alone, however few recordings are left.
  await (workers > 1 ? withWorkers(Math.min(workers, tasks), options, work) : withModel(options, work));
}

export interface BatchModel {
  /** A folder, or the address of one. */
  readonly place: string;
  /** Of its weights and of how they are stored, whatever it is called. */
  readonly identity: string;
}

/** What of a command line says which model it is. */
export interface NamedModel {
  readonly own: { readonly model: string };
  readonly load: NodeLoadOptions;
}

/** Finds the model, and fetches it if it is not here. @throws what `locateModel` throws */
export async function findModel(
  { own: { model }, load: loadOptions }: NamedModel,
  display: ProgressDisplay,
  { signal }: CommandIo,
): Promise<BatchModel> {
  const { dtype = 'auto', cacheDtype = 'auto' } = loadOptions;
  const identity = (weights: string): string => [weights, dtype, cacheDtype].join(' ');
  // The address of a folder is not read before it is used.
  if (/^https?:/i.test(model) && !namedModel(model)) return { place: model, identity: identity(model) };
  display.wait(`looking for the model ${model}`);
  const place = await locateModel(/^file:/i.test(model) ? fileURLToPath(model) : model, {
    ...loadOptions,
    signal,
    onProgress: display.show,
    onWarning: ({ message }) => display.note(message),
  });
  return { place, identity: identity(modelIdentity(place)) };
}

async function withModel(
  { settings, model, outputs, bucketOf, display, io }: ExecutorOptions,
  work: (executor: Executor) => Promise<void>,
): Promise<void> {
  const { own, load: loadOptions, settingsOf } = settings;
  const whisper = await load(model.place, {
    ...loadOptions,
    platform: hostPlatform(),
    until: 'encoder',
    signal: io.signal,
    onProgress: display.show,
    onWarning: ({ message }) => display.note(message),
  });
  try {
    display.line(modelLine(own.model, whisper));
    const capacity = loadOptions.recordingsAtOnce ?? AT_ONCE;
    await work(
      inProcess({ transcriber: whisper, openAudio: openS3Audio(bucketOf, openAudio), outputs }, settingsOf, capacity),
    );
  } finally {
    await whisper.close();
  }
}

async function withWorkers(
  workers: number,
  { settings, values, model, display }: ExecutorOptions,
  work: (executor: Executor) => Promise<void>,
): Promise<void> {
  const { load: loadOptions } = settings;
  const threads = Math.max(1, Math.floor((loadOptions.threads || availableParallelism()) / workers));
  const own = new Map([...values, ['model', model.place], ['threads', String(threads)]]);
  own.delete('manifest');
  const argv = [...own].map(([name, value]) => `--${name}=${value}`);
  const pool = new WorkerPool({
    workers,
    atOnce: loadOptions.recordingsAtOnce ?? AT_ONCE,
    start: () => fork(process.argv[1]!, ['batch', WORKER, ...argv], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }), // it runs
    onReady: (whisper) =>
      display.line(
        `${workers === 1 ? '1 worker' : `${workers} workers, each`} with ${modelLine(settings.own.model, whisper)}`,
      ),
    onProgress: display.show,
    onWarning: ({ message }) => display.note(message),
    onDeath: (why) => display.note(`A worker ended (${why}) and is started again.`),
  });
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}
