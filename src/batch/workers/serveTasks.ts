/** A worker's side: does what it is sent until the channel is closed. */

import { errorData } from '../../base/errorData.ts';
import type { Progress } from '../../base/progress.ts';
import type { Executor } from '../executor.ts';
import type { Channel, FromWorker, LoadedModel } from './messages.ts';

/** Progress of a recording is told no more often. */
const TELL_MS = 250;

/**
 * @param open loads the model, while the first tasks may come already
 * @returns when the channel is closed, or the signal aborts
 */
export async function serveTasks(
  channel: Channel,
  open: (tell: (message: FromWorker) => void) => Promise<{ readonly executor: Executor; readonly model: LoadedModel }>,
  signal: AbortSignal,
): Promise<void> {
  const tell = (message: FromWorker): void => {
    // Whoever listened may be gone at this moment: then it is told to nobody.
    if (channel.connected) channel.send?.(message, () => {});
  };
  const ended = new Promise<void>((resolve) => {
    channel.once('disconnect', resolve);
    // Who has started this process may be gone before it could listen.
    if (!channel.connected) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const opened = open(tell);
  opened.then(
    // Its getters do not travel.
    ({ model: { device, storage, weightBytes } }) => tell({ kind: 'ready', model: { device, storage, weightBytes } }),
    (error: unknown) => tell({ kind: 'error', error: errorData(error) }),
  );
  channel.on('message', async ({ number, task }) => {
    try {
      const { executor } = await opened;
      const onProgress = seldom((progress) => tell({ kind: 'progress', number, progress }));
      const result = await executor.run(task, {
        signal,
        onProgress,
        onWarning: (warning) => tell({ kind: 'warning', number, warning }),
      });
      tell({ kind: 'result', number, result });
    } catch (error) {
      tell({ kind: 'error', number, error: errorData(error) });
    }
  });
  await ended;
}

function seldom(tell: (progress: Progress) => void): (progress: Progress) => void {
  let last = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (now - last < TELL_MS) return;
    last = now;
    tell(progress);
  };
}
