/** A process that transcribes for `sotto batch --workers N`. Users do not call it. */

import { inProcess } from '../batch/inProcess.ts';
import { openOutputs } from '../batch/openOutputs.ts';
import { openS3Audio, s3Buckets } from '../batch/s3/openS3.ts';
import { openAudio } from '../batch/sources/openAudio.ts';
import type { FromWorker } from '../batch/workers/messages.ts';
import { serveTasks } from '../batch/workers/serveTasks.ts';
import { load } from '../load.node.ts';
import { environment } from '../runtime/environment.ts';
import { proxyFetch } from '../runtime/nodeProxy.ts';
import type { Whisper } from '../whisper.ts';
import { parseArguments } from './args.ts';
import { BATCH_COMMAND_OPTIONS, readBatchSettings } from './batchSettings.ts';
import { type CommandIo, EXIT } from './io.ts';
import { hostPlatform } from './platform.ts';

/** First argument of a process that another one has forked. */
export const WORKER = '--as-worker';
/** Recordings that a process is given at once, where the options do not say. */
export const AT_ONCE = 8;

/** @param argv options, with the folder for the outputs */
export async function batchWorker(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArguments(argv, BATCH_COMMAND_OPTIONS);
  const { own, load: loadOptions, formats, settingsOf } = readBatchSettings(values);
  // Who started it is gone: nobody keeps the journal.
  const end = (): boolean => process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', end);
  if (!process.connected) end();
  let whisper: Whisper | undefined;
  const open = async (tell: (message: FromWorker) => void): ReturnType<Parameters<typeof serveTasks>[1]> => {
    whisper = await load(own.model, {
      ...loadOptions,
      platform: hostPlatform(),
      until: 'encoder',
      signal: io.signal,
      onProgress: (progress) => tell({ kind: 'progress', progress }),
      onWarning: (warning) => tell({ kind: 'warning', warning }),
    });
    const bucketOf = s3Buckets({ environment, fetch: proxyFetch(environment) });
    const outputs = await openOutputs(own.outputDir ?? '.', formats, bucketOf);
    const work = { transcriber: whisper, openAudio: openS3Audio(bucketOf, openAudio), outputs };
    const atOnce = loadOptions.recordingsAtOnce ?? AT_ONCE;
    return { executor: inProcess(work, settingsOf, atOnce), model: whisper };
  };
  try {
    await serveTasks(process, open, io.signal);
    return EXIT.ok;
  } finally {
    await whisper?.close();
    if (process.connected) process.disconnect();
  }
}
