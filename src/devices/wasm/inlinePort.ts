/**
 * The leader without a worker, for runtimes that cannot start one: the same function, on the calling thread.
 *
 * Messages are dealt with one after another in later turns of the event loop; a program is cut into its commands, and
 * after some 20 ms the loop gets a turn, so that timers and input are served while an encoder runs.
 */
import { yieldToEventLoop } from '../../base/yieldToEventLoop.ts';
import type { WorkerPort } from '../../runtime/platform.ts';
import type { ToWorker, WorkerScope } from './protocol.ts';
import { runWorker } from './worker.ts';

const SLICE_MS = 20;

export function inlinePort(): WorkerPort {
  let handler: (message: unknown) => void = () => {};
  const scope: WorkerScope = { onmessage: null, postMessage: (message) => handler(message) };
  runWorker(scope);
  const queue: ToWorker[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    let sliceEnd = performance.now() + SLICE_MS;
    for (let message = queue.shift(); message; message = queue.shift()) {
      if (performance.now() > sliceEnd) {
        await yieldToEventLoop();
        sliceEnd = performance.now() + SLICE_MS;
      }
      scope.onmessage?.({ data: message });
    }
    isRunning = false;
  }

  return {
    postMessage(value) {
      queue.push(...slices(value as ToWorker)); // the device posts nothing else
      if (!isRunning) {
        isRunning = true;
        queueMicrotask(() => void run());
      }
    },
    onMessage: (given) => {
      handler = given;
    },
    onError: () => {},
    terminate: () => {
      queue.length = 0;
      scope.onmessage = null;
    },
  };
}

function slices(message: ToWorker): ToWorker[] {
  if (message.type !== 'submit') return [message];
  const parts: ToWorker[] = [];
  for (let turn = 0; turn < message.times; turn++)
    for (let i = message.first; i < message.last; i++)
      parts.push({ ...message, first: i, last: i + 1, times: 1, isRepetition: turn > 0 });
  return parts;
}
