/**
 * A worker of a queue with a scripted model: what a file says it holds, after the milliseconds that it asks for (`ms=80`), or
 * when a file is there (`until=PATH`). As a program it tells on stdout what it does.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeviceError, OptionsError } from '../../src/base/errors.ts';
import { openBroker } from '../../src/batch/queue/broker.ts';
import { Places } from '../../src/batch/queue/places.ts';
import { workOn } from '../../src/batch/queue/work.ts';
import { openS3Audio, s3Buckets } from '../../src/batch/s3/openS3.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import { scriptedTranscriber } from './scriptedTranscriber.ts';

export interface QueueWorkerOptions {
  readonly url: string;
  readonly name: string;
  /** Of the model. */
  readonly identity?: string;
  readonly parallel?: number;
  readonly lockMs?: number;
  readonly untilEmpty?: boolean;
  readonly shutdownMs?: number;
  readonly otherPath?: string;
}

const POLL_MS = 5;

/** @param tell is told of each step in a line */
export async function runQueueWorker(
  options: QueueWorkerOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { url, name, identity = 'm', parallel = 2, lockMs = 1000, untilEmpty = false, shutdownMs = 0 } = options;
  const transcriber = scriptedTranscriber(async (text) => {
    tell(`hear ${text}`);
    const ms = /ms=(\d+)/.exec(text)?.[1];
    if (ms !== undefined) await sleep(Number(ms));
    const path = /until=(\S+)/.exec(text)?.[1];
    while (path !== undefined && !existsSync(path)) await sleep(POLL_MS);
    if (text.includes('option')) throw new OptionsError('task', 'This model cannot do it.');
    if (text.includes('device')) throw new DeviceError('lost', 'The device was lost.');
  });
  const buckets = s3Buckets({ environment: (variable) => process.env[variable] });
  const places = new Places(buckets, options.otherPath);
  const broker = await openBroker({ url, name });
  const work = workOn(broker, {
    ...{ parallel, lockMs, untilEmpty, shutdownMs, transcriber, places },
    model: { name: 'scripted', identity },
    openAudio: openS3Audio(buckets, openAudio),
    reader: {
      names: ['language'],
      read: (texts) => ({ transcribe: { language: texts.get('language') }, layout: {} }),
    },
    signal,
    onBegin: ({ id }) => tell(`begin ${id}`),
    onDone: ({ id }, { isOld }) => tell(`${isOld ? 'old' : 'done'} ${id}`),
    onFailed: ({ id }, { error }, isFinal) => tell(`${isFinal ? 'failed' : 'again'} ${id}: ${error}`),
    note: (sentence) => tell(`note ${sentence}`),
  });
  try {
    tell(`summary ${JSON.stringify(await work)}`);
  } finally {
    places.close();
    await broker.close();
  }
}

// The test hands in what it wants, as JSON.
const [, file, options] = process.argv;
if (file?.endsWith('queueWorker.js') && options !== undefined) {
  const end = new AbortController();
  process.on('SIGTERM', () => end.abort());
  try {
    const tell = (line: string): boolean => process.stdout.write(`${line}\n`);
    await runQueueWorker(JSON.parse(options) as QueueWorkerOptions, tell, end.signal);
    // What was given back still waits for its file.
    process.exit();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  }
}
