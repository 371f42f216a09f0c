/**
 * Node, and runtimes with Node's modules: Bun and Deno.
 *
 * WebGPU comes from `navigator.gpu` where there is one, else from the optional package `webgpu` (Dawn).
 * With `SOTTO_WASM_FLAGS=none` V8's flags are not changed.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import v8 from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { Platform, WorkerPort } from './platform.ts';
import { hasRelaxedSimd } from './relaxedSimd.ts';
import { planV8Flags, type V8Plan, withoutV8Flags } from './v8Flags.ts';

export function createNodePlatform(name: 'node' | 'bun' | 'deno' = runtime()): Platform {
  const plan = choosePlan(name);
  return {
    name,
    hardwareThreads: availableParallelism(),
    sharedMemory: typeof SharedArrayBuffer === 'function',
    wasm: plan.wasm,
    gpu() {
      theGpu ??= findGpu();
      return theGpu;
    },
    spawn: spawnWorker,
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

function runtime(): 'node' | 'bun' | 'deno' {
  if (process.versions.bun) return 'bun';
  return process.versions.deno ? 'deno' : 'node';
}

function choosePlan(name: 'node' | 'bun' | 'deno'): V8Plan {
  const version = process.versions.v8;
  const relaxedSimd = hasRelaxedSimd();
  // Bun's engine is not V8, whatever version it reports: V8 with Turboshaft is the most similar to it.
  if (name === 'bun') return withoutV8Flags('13', relaxedSimd);
  if (process.env.SOTTO_WASM_FLAGS === 'none') return withoutV8Flags(version, relaxedSimd);
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  return planV8Flags(version, hasAvx2(), given, relaxedSimd);
}

/** The re-vectorizer needs AVX2. Only Linux reports it; x86-64 machines elsewhere have had it for ten years. */
function hasAvx2(): boolean {
  if (process.arch !== 'x64') return false;
  if (process.platform !== 'linux') return true;
  try {
    return /\bavx2\b/.test(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    return false;
  }
}

/**
 * One for the whole process, and never released: Dawn shuts down with the object that its create() returned, and the
 * process is aborted (`std::system_error`, or SIGSEGV) if that object is garbage collected while any object of a device is
 * still referenced, even of a device closed long ago. Seen with webgpu 0.6.2.
 */
let theGpu: Promise<GPU | undefined> | undefined;

async function findGpu(): Promise<GPU | undefined> {
  if (globalThis.navigator?.gpu) return globalThis.navigator.gpu;
  try {
    const { create } = await import('webgpu');
    return create([]);
  } catch {
    // Not installed, or no binary for this machine: there is no WebGPU, which the caller reports.
    return undefined;
  }
}

/** Makes a script written for a web worker (`self.onmessage`, `postMessage`) run in a thread of Node. */
const WEB_WORKER = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
parentPort.on('message', (data) => globalThis.onmessage?.({ data }));
`;

function spawnWorker(source: string, name: string): WorkerPort {
  // On one line, so that line numbers in errors are off by one only.
  const worker = new Worker(`${WEB_WORKER.replaceAll('\n', ' ')}\n${source}`, { eval: true, name, execArgv: [] });
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer ? [...transfer] : undefined),
    onMessage: (handler) => void worker.on('message', handler),
    onError: (handler) => void worker.on('error', (error) => handler(asError(error))),
    terminate: () => void worker.terminate(),
  };
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
