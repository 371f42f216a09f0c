/**
 * Node, and runtimes with Node's modules: Bun and Deno.
 *
 * WebGPU comes from `navigator.gpu` where there is one, else from the optional package `webgpu` (Dawn).
 * With `SOTTO_WASM_FLAGS=none` V8's flags are not changed.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import process from 'node:process';
import v8 from 'node:v8';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { asError } from '../base/asError.ts';
import { DeviceError } from '../base/errors.ts';
import { environment, isPermitted } from './environment.ts';
import { openDawn, openDawnOn } from './nodeDawn.ts';
import { TemporaryFile } from './nodeTemporary.ts';
import type { Platform, WorkerPort } from './platform.ts';
import { hasRelaxedSimd } from './relaxedSimd.ts';
import { planV8Flags, type V8Plan, withoutV8Flags } from './v8Flags.ts';
import { hasGpuDevice, missingVulkan } from './vulkan.ts';

export function createNodePlatform(name: 'node' | 'bun' | 'deno' = runtime()): Platform {
  const plan = choosePlan(name);
  return {
    name,
    hardwareThreads: availableParallelism(),
    memoryBytes: () => memoryBytes(name),
    sharedMemory: typeof SharedArrayBuffer === 'function',
    wasm: plan.wasm,
    async gpu({ hardwareOnly = false, adapter } = {}) {
      if (adapter !== undefined && name === 'deno')
        throw new DeviceError('noAdapter', "Deno's WebGPU takes no name of an adapter.", {
          hint: 'Leave it out, or use Node with the package "webgpu".',
        });
      if (globalThis.navigator?.gpu && adapter === undefined) return globalThis.navigator.gpu;
      if (name === 'deno') return undefined; // Dawn is native code, for which Deno asks the user
      if (process.platform === 'linux') {
        if (hardwareOnly && !hasGpuDevice()) return undefined;
        const missing = missingVulkan();
        if (missing && hardwareOnly) return undefined;
        if (missing)
          throw new DeviceError('noAdapter', missing, {
            hint: 'Use --device cpu, or install a graphics driver (on Debian: apt-get install libvulkan1 mesa-vulkan-drivers).',
          });
      }
      return adapter === undefined ? openDawn() : openDawnOn(adapter);
    },
    spawn: spawnWorker,
    scratch: () => TemporaryFile.create(),
    async compileWasm(bytes) {
      for (const flag of plan.set) v8.setFlagsFromString(flag);
      try {
        return new WebAssembly.Module(bytes);
      } finally {
        for (const flag of plan.restore) v8.setFlagsFromString(flag);
      }
    },
  };
}

/**
 * Not what is free at the moment: a container's count of that has what was read of files in it. Deno asks the user about what
 * it tells of the system.
 */
function memoryBytes(name: 'node' | 'bun' | 'deno'): number | undefined {
  if (name === 'deno') return undefined;
  // Since Node 19.6; 0, or more than there is, where nothing is laid down.
  const { constrainedMemory }: { constrainedMemory?: () => number | undefined } = process;
  return Math.min(totalmem(), constrainedMemory?.() || Number.POSITIVE_INFINITY);
}

function runtime(): 'node' | 'bun' | 'deno' {
  if (process.versions.bun) return 'bun';
  return process.versions.deno ? 'deno' : 'node';
}

function choosePlan(name: 'node' | 'bun' | 'deno'): V8Plan {
  const { v8: version, electron } = process.versions;
  const relaxedSimd = hasRelaxedSimd();
  // Bun's engine is not V8, whatever version it reports: V8 with Turboshaft is the most similar to it.
  if (name === 'bun') return withoutV8Flags('13', relaxedSimd);
  // Electron freezes V8's flags: setting one ends the process.
  if (electron || environment('SOTTO_WASM_FLAGS') === 'none') return withoutV8Flags(version, relaxedSimd);
  const given = [...process.execArgv, ...(environment('NODE_OPTIONS') ?? '').split(/\s+/)];
  return planV8Flags(version, hasAvx2(), given, relaxedSimd);
}

/** The re-vectorizer needs AVX2. Only Linux reports it; x86-64 machines elsewhere have had it for ten years. */
function hasAvx2(): boolean {
  if (process.arch !== 'x64') return false;
  if (process.platform !== 'linux') return true;
  const path = '/proc/cpuinfo';
  try {
    return isPermitted({ name: 'read', path }) && /\bavx2\b/.test(readFileSync(path, 'latin1'));
  } catch {
    return false;
  }
}

/** Makes a script written for a web worker (`self.onmessage`, `postMessage`) run in a thread of Node. */
const WEB_WORKER = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
parentPort.on('message', (data) => globalThis.onmessage?.({ data }));
`;

/**
 * Ours hold 5 MB of objects; what they compute with is not on this heap. Without limits V8 takes 1 to 3 MB more for each. Only
 * in Node itself: in Deno, whose workers bring more of their own, one that reaches the limit ends without a word.
 */
const WORKER_HEAP: { readonly resourceLimits?: ResourceLimits } =
  'deno' in process.versions || 'bun' in process.versions
    ? {}
    : { resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 } };

function spawnWorker(source: string, name: string): WorkerPort | undefined {
  let worker: Worker;
  try {
    // On one line, so that line numbers in errors are off by one only.
    worker = new Worker(`${WEB_WORKER.replaceAll('\n', ' ')}\n${source}`, {
      eval: true,
      name,
      execArgv: [],
      ...WORKER_HEAP,
    });
  } catch {
    // No more threads (EAGAIN), no memory for one, or not permitted (node --permission): the caller says so.
    return undefined;
  }
  let isTerminated = false;
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer ? [...transfer] : undefined),
    onMessage: (handler) => void worker.on('message', handler),
    onError(handler) {
      worker.on('error', (error) => handler(asError(error)));
      worker.on('messageerror', (error) => handler(asError(error)));
      // After an error too, which has been told by then.
      worker.on('exit', (code) => {
        if (!isTerminated) handler(new Error(`it ended by itself, with exit code ${code}`));
      });
    },
    terminate() {
      isTerminated = true;
      void worker.terminate();
    },
  };
}
