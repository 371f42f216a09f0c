/**
 * Web workers from the text of a script, by way of a Blob: a script needs no file beside the bundle. A page with a content
 * security policy must allow them with `worker-src blob:`.
 */
import { asError } from '../base/asError.ts';
import type { WorkerPort } from './platform.ts';

/**
 * @param type `module` where the runtime has no other (Deno)
 * @returns undefined where workers cannot be started; a policy that forbids them is heard of by `onError`, later
 */
export function spawnWebWorker(source: string, name: string, type: 'classic' | 'module'): WorkerPort | undefined {
  if (typeof Worker !== 'function') return undefined;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  // Needed until the worker has fetched it, at the latest when it first answers or fails.
  const revoke = (): void => URL.revokeObjectURL(url);
  let worker: Worker;
  try {
    worker = new Worker(url, { name, type });
  } catch {
    revoke();
    return undefined;
  }
  worker.addEventListener('message', revoke, { once: true });
  worker.addEventListener('error', revoke, { once: true });
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer ? [...transfer] : []),
    onMessage: (handler) => worker.addEventListener('message', (event) => handler(event.data)),
    onError(handler) {
      worker.addEventListener('error', (event) => {
        event.preventDefault(); // it is reported by the handler; Deno ends the process otherwise
        handler(asError(event.error ?? (event.message || 'it could not be started')));
      });
      worker.addEventListener('messageerror', () => handler(new Error('a message could not be read')));
    },
    terminate() {
      worker.terminate();
      revoke();
    },
  };
}
