/** `sotto batch status` and `sotto batch retry`. */
import { Lengths } from '../batch/lengths.ts';
import { retryFailed } from '../batch/queue/retry.ts';
import { type QueueStatus, queueStatus } from '../batch/queue/status.ts';
import type { QueueCall } from './batchCall.ts';
import { EXIT } from './io.ts';
import { printable } from './printable.ts';
import { clock, duration } from './progress.ts';

/** Of failures, for people. */
const MOST_LISTED = 50;

export async function statusCommand({ values, broker, shown, io }: QueueCall): Promise<number> {
  const status = await queueStatus(broker.queue, new Lengths());
  const isJson = values.get('json')?.toLowerCase() === 'true';
  io.stdout.write(isJson ? `${JSON.stringify(status)}\n` : `${statusLines(status, shown).join('\n')}\n`);
  return EXIT.ok;
}

function statusLines(
  { waiting, active, done, failed, seconds, speed, secondsLeft }: QueueStatus,
  shown: string,
): string[] {
  const rate = speed === undefined ? [] : [`${speed.toFixed(1)}x of late`];
  const left = secondsLeft === undefined || seconds.left === 0 ? [] : [`${duration(secondsLeft)} left`];
  const more = failed.length - MOST_LISTED;
  return [
    `queue ${shown}`,
    `${waiting} waiting, ${active} active, ${done} done, ${failed.length} failed`,
    [`${clock(seconds.done)} of sound done`, `about ${clock(seconds.left)} to do`, ...rate, ...left].join(', '),
    ...failed.slice(0, MOST_LISTED).map(({ id, error }) => {
      return printable(`failed: ${error.includes(id) ? '' : `${id}: `}${error}`);
    }),
    ...(more > 0 ? [`... and ${more} more: --json lists all`] : []),
  ];
}

export async function retryCommand({ files, values, broker, io }: QueueCall): Promise<number> {
  const lengths = new Lengths();
  const result = await retryFailed(broker.queue, files, ({ data }) => lengths.estimate(data.item));
  if (values.get('json')?.toLowerCase() === 'true') io.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    for (const id of result.unknown) io.stderr.write(`${printable(id)} is none of what failed.\n`);
    io.stderr.write(`${result.retried} put into the queue again\n`);
  }
  return result.unknown.length > 0 ? EXIT.failed : EXIT.ok;
}
