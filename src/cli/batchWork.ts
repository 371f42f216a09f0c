/** `sotto batch work`: does what is in a queue. */
import { QueueError } from '../base/errors.ts';
import { sleep } from '../base/http.ts';
import { untilAborted } from '../base/signals.ts';
import type { Broker } from '../batch/queue/broker.ts';
import { someJob } from '../batch/queue/enqueue.ts';
import type { JobModel } from '../batch/queue/job.ts';
import { WORK_OPTIONS } from '../batch/queue/options.ts';
import { Places } from '../batch/queue/places.ts';
import { workOn } from '../batch/queue/work.ts';
import { openS3Audio, s3Buckets } from '../batch/s3/openS3.ts';
import { openAudio } from '../batch/sources/openAudio.ts';
import { load } from '../load.node.ts';
import { pick, resolve } from '../options/resolve.ts';
import { readOptions } from '../options/text.ts';
import { checkAdapter } from '../runtime/checkAdapter.ts';
import { environment } from '../runtime/environment.ts';
import { proxyFetch } from '../runtime/nodeProxy.ts';
import type { QueueCall } from './batchCall.ts';
import { findModel } from './batchExecutor.ts';
import { AT_ONCE } from './batchWorker.ts';
import { type CommandIo, EXIT } from './io.ts';
import { modelLine } from './modelLine.ts';
import { COMMAND_OPTIONS } from './options.ts';
import { hostPlatform } from './platform.ts';
import { clock, duration, ProgressDisplay } from './progress.ts';
import { optionReader } from './requestOptions.ts';

const LOAD_PLACES = ['load'] as const;
/** An empty queue is looked into so often by who waits for its first job. */
const POLL_MS = 2000;
/** For what was begun to be given back, after the time that recordings have to finish. */
const CLOSE_MS = 10_000;

export async function workCommand({ values, broker, shown, io }: QueueCall): Promise<number> {
  const own = resolve(WORK_OPTIONS, 'command', readOptions(WORK_OPTIONS, ['command'], values, '--'));
  const display = new ProgressDisplay(io.stderr);
  const note = (sentence: string): void => display.note(sentence);
  io.allowGrace(1000 * own.shutdownTimeout + CLOSE_MS);
  const asked = own.model ?? (await modelOfJobs(broker, own.untilEmpty, shown, display, io));
  if (asked === undefined) {
    display.line(`nothing is to be done in the queue ${shown}`);
    return EXIT.ok;
  }
  const { name, options = {} } = typeof asked === 'string' ? { name: asked } : asked;
  // What is written here comes before what jobs say.
  const texts = new Map([...Object.entries(options), ...values]);
  const loadOptions = pick(COMMAND_OPTIONS, 'load', readOptions(COMMAND_OPTIONS, LOAD_PLACES, texts, '--'));
  await checkAdapter(hostPlatform(), loadOptions);
  const model = await findModel({ own: { model: name }, load: loadOptions }, display, io);
  await checkModel(broker, { name, identity: model.identity });
  const { signal } = io;
  const whisper = await load(model.place, {
    ...loadOptions,
    platform: hostPlatform(),
    until: 'encoder',
    signal,
    onProgress: display.show,
    onWarning: ({ message }) => note(message),
  });
  const bucketOf = s3Buckets({ environment, fetch: proxyFetch(environment) });
  const places = new Places(bucketOf, own.outputDir);
  try {
    display.line(modelLine(name, whisper));
    display.line(`takes recordings from the queue ${shown}`);
    const summary = await workOn(broker, {
      model: { name, identity: model.identity },
      transcriber: whisper,
      openAudio: openS3Audio(bucketOf, openAudio),
      places,
      reader: optionReader(new Map()),
      parallel: loadOptions.recordingsAtOnce ?? AT_ONCE,
      lockMs: 1000 * own.lockTimeout,
      untilEmpty: own.untilEmpty,
      shutdownMs: 1000 * own.shutdownTimeout,
      signal,
      onDone: ({ id }, { seconds, ms, isOld }) => {
        display.line(isOld ? `${id}: done before` : `${id}: ${clock(seconds)} of sound in ${duration(ms / 1000)}`);
      },
      onFailed({ id }, { error, hint }, isFinal) {
        display.line(`${isFinal ? 'failed' : 'to be tried again'}: ${error.includes(id) ? '' : `${id}: `}${error}`);
        if (hint !== undefined) display.line(`  ${hint}`);
      },
      onWarning: ({ id }, { message }) => note(`${id}: ${message}`),
      note,
    });
    const failed = summary.failed > 0 ? `, ${summary.failed} failed` : '';
    display.line(`${summary.done} done, ${clock(summary.seconds)} of sound${failed}`);
    // Who is told to end has done all that it was to do.
    return own.untilEmpty && summary.failed > 0 && !signal.aborted ? EXIT.failed : EXIT.ok;
  } finally {
    places.close();
    display.clear();
    await whisper.close();
  }
}

/**
 * The model that the jobs are for; waits for the first one.
 *
 * @returns undefined for an empty queue that is not waited for
 * @throws the signal's reason
 */
async function modelOfJobs(
  { queue }: Broker,
  isEndIfEmpty: boolean,
  shown: string,
  display: ProgressDisplay,
  { signal }: CommandIo,
): Promise<JobModel | undefined> {
  let isTold = false;
  for (;;) {
    const model = (await untilAborted(someJob(queue), signal))?.data.model;
    if (model || isEndIfEmpty) return model;
    if (!isTold) display.line(`waits for the first recording in the queue ${shown}`);
    isTold = true;
    await sleep(POLL_MS, signal);
  }
}

/** @throws {QueueError} `model`: a worker that could do none of the jobs would only stand about */
async function checkModel({ queue }: Broker, { name, identity }: JobModel): Promise<void> {
  const model = (await someJob(queue))?.data.model;
  if (!model || model.identity === identity) return;
  const what = model.name === name ? 'other weights of the same name, or another --dtype' : `the model ${model.name}`;
  throw new QueueError('model', `The jobs of the queue are for ${what}, and this worker has ${name}.`, {
    hint: 'Without --model a worker takes the model of the jobs; with --queue_name another queue.',
  });
}
