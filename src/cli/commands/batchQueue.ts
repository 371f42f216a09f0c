/** `sotto batch enqueue|work|status|retry`: a batch over many machines, through a queue. */
import { atMost } from '../../base/atMost.ts';
import { OptionsError } from '../../base/errors.ts';
import { BATCH_OPTIONS } from '../../batch/options.ts';
import { isOfConnection, openBroker, shownUrl } from '../../batch/queue/broker.ts';
import { QUEUE_OPTIONS, WORK_OPTIONS } from '../../batch/queue/options.ts';
import { resolve } from '../../options/resolve.ts';
import type { ResolvedOptions } from '../../options/spec.ts';
import { readOptions, type WrittenOption, writtenOptions } from '../../options/text.ts';
import { environment } from '../../runtime/environment.ts';
import { parseArguments } from '../args.ts';
import type { QueueCall, QueueWord } from '../batchCall.ts';
import { enqueueCommand } from '../batchEnqueue.ts';
import { retryCommand, statusCommand } from '../batchStatus.ts';
import { workCommand } from '../batchWork.ts';
import { optionLines } from '../help.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { COMMAND_OPTIONS } from '../options.ts';
import { REQUEST_OPTIONS } from '../requestOptions.ts';

const HEAD = `sotto batch enqueue|work|status|retry: many recordings over many machines, through a queue.

Usage:  sotto batch enqueue SOURCE... -o OUT --queue URL [options]
        sotto batch work --queue URL [options]
        sotto batch status --queue URL [--json]
        sotto batch retry [ID...] --queue URL

Examples:
  sotto batch enqueue /nfs/talks -o /nfs/texts -m base --queue redis://broker:6379    on one machine, once
  sotto batch work --queue redis://broker:6379                       on each of the others, until it is stopped
  sotto batch work --queue redis://broker:6379 --until_empty         the same for a scheduler: ends when all is done
  sotto batch enqueue s3://talks/2026 -o s3://texts/2026 -m turbo --queue postgres://me@broker/sotto
  sotto batch status --queue redis://broker:6379                     how far it is, and what failed
  sotto batch retry --queue redis://broker:6379                      what failed once more; with IDs these alone

The broker is Redis (or Valkey) or PostgreSQL. Its packages are installed beside sotto: npm install bullmq ioredis, or
npm install bullmq pg. Recordings and outputs have to be reachable from all machines: a shared disk, S3, addresses.
Each output is made once, whoever is killed: docs/batch.md says what happens on each failure.
`;

const OF_QUEUE = writtenOptions(QUEUE_OPTIONS, ['command']);
const OF_BATCH = writtenOptions(BATCH_OPTIONS, ['command']);
const OF_MODEL = writtenOptions(COMMAND_OPTIONS, ['load']);

/** What has a meaning for who puts recordings in; how they are transcribed is a matter of workers. */
function isOfEnqueue({ name }: WrittenOption): boolean {
  return !['workers', 'shard', 'retry_failed'].includes(name);
}

function isOfIdentity({ name }: WrittenOption): boolean {
  return ['dtype', 'cache_dtype', 'model_dir'].includes(name);
}

function isJson({ name }: WrittenOption): boolean {
  return name === 'json';
}

const OPTIONS_OF: Readonly<Record<QueueWord, readonly WrittenOption[]>> = {
  enqueue: [...OF_QUEUE, ...OF_BATCH.filter(isOfEnqueue), ...OF_MODEL.filter(isOfIdentity), ...REQUEST_OPTIONS],
  work: [...OF_QUEUE, ...writtenOptions(WORK_OPTIONS, ['command']), ...OF_MODEL],
  status: [...OF_QUEUE, ...OF_BATCH.filter(isJson)],
  retry: [...OF_QUEUE, ...OF_BATCH.filter(isJson)],
};
const COMMANDS: Readonly<Record<QueueWord, (call: QueueCall) => Promise<number>>> = {
  enqueue: enqueueCommand,
  work: workCommand,
  status: statusCommand,
  retry: retryCommand,
};

export async function queueCommand(word: QueueWord, argv: readonly string[], io: CommandIo): Promise<number> {
  const { files, values, help } = parseArguments(argv, OPTIONS_OF[word]);
  if (help) {
    const columns = Math.max(30, Math.min(io.stdout.columns ?? 80, 110));
    const title = `Options of sotto batch ${word}:`;
    io.stdout.write([HEAD.trimEnd(), '', title, ...optionLines(OPTIONS_OF[word], columns), '', ''].join('\n'));
    return EXIT.ok;
  }
  const [file] = files;
  if (file !== undefined && (word === 'work' || word === 'status')) {
    throw new OptionsError('batchArguments', `batch ${word} takes no recording, and was given ${file}.`, {
      hint: 'Recordings are put in: sotto batch enqueue SOURCE... -o OUT --queue URL',
    });
  }
  const own = resolve(QUEUE_OPTIONS, 'command', readOptions(QUEUE_OPTIONS, ['command'], values, '--'));
  const url = urlOf(own);
  const broker = await openBroker({ url, name: own.queueName });
  try {
    return await COMMANDS[word]({ files, values, broker, shown: `${own.queueName} at ${shownUrl(url)}`, io });
  } catch (error) {
    throw isOfConnection(error) ? broker.unreachable(error) : error;
  } finally {
    await atMost(CLOSE_MS, broker.close());
    // Connections that wait for a broker would keep the process.
    setTimeout(() => process.exit(), CLOSE_MS).unref();
  }
}

/** For a broker that is away. */
const CLOSE_MS = 2000;

function urlOf({ queue }: ResolvedOptions<typeof QUEUE_OPTIONS, 'command'>): string {
  const url = queue ?? environment('SOTTO_QUEUE');
  if (url !== undefined && url !== '') return url;
  throw new OptionsError('batchArguments', 'No broker of a queue is named.', {
    hint: 'For example: --queue redis://localhost:6379, or the variable SOTTO_QUEUE',
  });
}
