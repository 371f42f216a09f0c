/**
 * Browsers. Threads share memory only on pages that are cross-origin isolated (COOP `same-origin` and COEP
 * `require-corp`); on others there is one worker. A page with a content security policy needs `script-src
 * 'wasm-unsafe-eval'` and `worker-src blob:`.
 */
import type { Platform } from './platform.ts';
import { hasRelaxedSimd } from './relaxedSimd.ts';
import { spawnWebWorker } from './webWorker.ts';

export function createWebPlatform(): Platform {
  return {
    name: 'web',
    hardwareThreads: navigator.hardwareConcurrency || 1,
    memoryBytes,
    sharedMemory: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function',
    wasm: { relaxedSimd: hasRelaxedSimd(), revectorize: false, preloadsOperands: false },
    gpu: async () => navigator.gpu,
    spawn: (source, name) => spawnWebWorker(source, name, 'classic'),
    compileWasm: (bytes) => WebAssembly.compile(bytes),
  };
}

/** Half of what the machine has, where the browser tells it (Chromium does, in steps, up to 8 GB). */
function memoryBytes(): number | undefined {
  return 'deviceMemory' in navigator && typeof navigator.deviceMemory === 'number'
    ? navigator.deviceMemory * 2 ** 29
    : undefined;
}
