/** What the core asks of the runtime it is in. Handed in by the entry point; the core knows no platform itself. */

import type { WasmFeatures } from '../engine/wasm/variant.ts';

export interface WorkerPort {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(handler: (message: unknown) => void): void;
  onError(handler: (error: Error) => void): void;
  terminate(): void;
}

export interface Platform {
  readonly name: 'node' | 'deno' | 'bun' | 'web';
  /** Threads the machine can run at once. */
  readonly hardwareThreads: number;
  /** May WebAssembly memory be shared between threads here? */
  readonly sharedMemory: boolean;
  /**
   * navigator.gpu, or Dawn by a dynamic import; undefined when there is neither. Sets no globals: constants such as
   * GPUBufferUsage are not there with Dawn.
   */
  gpu(): Promise<GPU | undefined>;
  /**
   * Starts a worker from the source text of a plain (not module) script, written as for a web worker: it sets
   * `self.onmessage = (event) => ...event.data...` while it is first run, and calls `postMessage(value)`.
   * Undefined where workers cannot be started.
   */
  spawn(source: string, name: string): WorkerPort | undefined;
  /**
   * Compiles WebAssembly at the best tier the runtime has, with engine flags set around it where that is allowed.
   * The module may be posted to workers.
   */
  compileWasm(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module>;
  /** What a module given to `compileWasm` may use. */
  readonly wasm: WasmFeatures;
}
