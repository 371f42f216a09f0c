/**
 * Browsers. Threads share memory only on pages that are cross-origin isolated (COOP `same-origin` and COEP
 * `require-corp`); on others there is one worker. Workers are started from a Blob, so a page with a content security
 * policy needs `worker-src blob:`.
 */
import type { Platform, WorkerPort } from './platform.ts';
import { hasRelaxedSimd } from './relaxedSimd.ts';

export function createWebPlatform(): Platform {
  return {
    name: 'web',
    hardwareThreads: navigator.hardwareConcurrency || 1,
    sharedMemory: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function',
    wasm: { relaxedSimd: hasRelaxedSimd(), revectorize: false, preloadsOperands: false },
    gpu: async () => navigator.gpu,
    spawn: spawnWorker,
    compileWasm: (bytes) => WebAssembly.compile(bytes),
  };
}

function spawnWorker(source: string, name: string): WorkerPort | undefined {
  if (typeof Worker !== 'function') return undefined;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { name });
  // Needed until the worker has fetched it, at the latest when it first answers or fails.
  const revoke = (): void => URL.revokeObjectURL(url);
  worker.addEventListener('message', revoke, { once: true });
  worker.addEventListener('error', revoke, { once: true });
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer ? [...transfer] : []),
    onMessage: (handler) => worker.addEventListener('message', (event) => handler(event.data)),
    onError: (handler) =>
      worker.addEventListener('error', (event) =>
        handler(event.error ?? new Error(event.message || `worker ${name} failed`)),
      ),
    terminate() {
      worker.terminate();
      revoke();
    },
  };
}
