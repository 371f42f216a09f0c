/** What the core needs of the runtime. Passed in by the entry point: the core itself imports no platform. */

import type { Scratch } from '../audio/features/frameStore.ts';
import type { WasmFeatures } from '../engine/wasm/variant.ts';
import type { FindTuning } from '../engine/wgsl/tuning.ts';

export interface WorkerPort {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(handler: (message: unknown) => void): void;
  /** Called when it cannot be started, throws, or ends by itself; perhaps twice. */
  onError(handler: (error: Error) => void): void;
  terminate(): void;
}

export interface Platform {
  readonly name: 'node' | 'deno' | 'bun' | 'web';
  /** Threads the machine can run at once. */
  readonly hardwareThreads: number;
  /** Bytes of memory that a process may have here at most; absent, or undefined: not known. */
  memoryBytes?(): number | undefined;
  /** Whether threads can share WebAssembly memory. */
  readonly sharedMemory: boolean;
  /**
   * navigator.gpu, or Dawn by a dynamic import; undefined when there is neither. Sets no globals: constants such as
   * GPUBufferUsage do not exist with Dawn.
   *
   * @param options.hardwareOnly emulated GPUs are of no use: where there can be no other, the answer is undefined, so that
   *   nothing is loaded for nothing
   * @param options.adapter a part of the name of the adapter that it is to give; pages cannot choose, and ignore it
   * @throws {DeviceError} `noAdapter` where WebGPU is there and something that it needs is not, or no such adapter
   */
  gpu(options?: { readonly hardwareOnly?: boolean; readonly adapter?: string }): Promise<GPU | undefined>;
  /**
   * Starts a worker from the source text of a plain (not module) script, written as for a web worker: it sets
   * `self.onmessage = (event) => ...event.data...` when it is run, and calls `postMessage(value)`.
   * @returns undefined where workers cannot be started, or no more of them
   */
  spawn(source: string, name: string): WorkerPort | undefined;
  /**
   * Compiles WebAssembly with the best compiler of the runtime; where that is allowed, engine flags are set for it and
   * restored. The module can be posted to workers.
   */
  compileWasm(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module>;
  /** What a module given to `compileWasm` may use. */
  readonly wasm: WasmFeatures;
  /** What is known of the GPUs of this machine: which kernels were measured to be the fastest. Absent in pages. */
  readonly tuning?: FindTuning | undefined;
  /** Opens a temporary file; absent where there are none. It may fail: the disk is full, or must not be written to. */
  readonly scratch?: (() => Promise<Scratch>) | undefined;
}
