/**
 * What the calling thread says to its workers, and what they answer. Messages take effect in order.
 *
 * Addresses are bytes in the one WebAssembly memory. The first `reservedBytes` of it hold the control block through
 * which the threads share commands (worker.ts).
 */

/** The control block and some room before the first tensor. */
export const reservedBytes = 1024;

/** Words of the control block, each on a cache line (and its neighbour) of its own. */
export const CONTROL = {
  /** Number of the open command << 12 | chunks not yet taken, or 4095 once the submit is done. */
  state: 32,
  /** Chunks finished. */
  done: 64,
  /** Threads that sleep. */
  sleepers: 96,
  /** `prepare` messages that the leader has dealt with. */
  epoch: 128,
  /** Not 0 once all threads are to end: nobody sleeps any more (Deno cannot end a worker that does). */
  stop: 129,
  /** What is open: program, command, function, rows, work items, items per chunk. */
  command: 160,
  /** What is run: program, first and last command, address of the flag that ends it, turns left, the next command. */
  submit: 176,
  /** Messages that the leader has dealt with. */
  completed: 192,
  /** Commands begun: a sign of life. */
  steps: 224,
} as const;

/** Of each command in the plan of a submit: function, live rows, work items, and how many of these make one chunk. */
export const planWords = 4;

export interface PreparedProgram {
  readonly id: number;
  /** Of each command its arguments' addresses. */
  readonly addresses: readonly (readonly number[])[];
  /** Thread t's private scratch is at `scratch + t * scratchStride`. */
  readonly scratch: number;
  readonly scratchStride: number;
  /** Address of room for the plan of a submit. */
  readonly plan: number;
}

export type ToWorker =
  | {
      readonly type: 'init';
      readonly role: 'leader' | 'helper';
      /** 0 for the leader. */
      readonly thread: number;
      readonly threads: number;
      /** The shared memory; absent: the leader makes its own, and is alone. */
      readonly memory?: WebAssembly.Memory;
    }
  /** New functions, appended to those known, and the programs that use them. Helpers get it before the leader does. */
  | {
      readonly type: 'prepare';
      readonly module: WebAssembly.Module | undefined;
      readonly exports: readonly string[];
      readonly programs: readonly PreparedProgram[];
    }
  | { readonly type: 'grow'; readonly pages: number }
  | { readonly type: 'write'; readonly address: number; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly type: 'zero'; readonly address: number; readonly bytes: number }
  | {
      readonly type: 'submit';
      readonly program: number;
      /** Commands `first` to `last` (exclusive). */
      readonly first: number;
      readonly last: number;
      readonly times: number;
      /** A turn after the first of what was one submit (inlinePort.ts): not run if the flag below is set. */
      readonly isRepetition: boolean;
      /** Address of the u32 that ends the repetition once it is not 0; 0: there is none. */
      readonly until: number;
      /** Of each command: function, live rows, work items, and how many of these make one chunk (schedule.ts). */
      readonly functions: Int32Array;
      readonly rows: Int32Array;
      readonly workItems: Int32Array;
      readonly itemsPerChunk: Int32Array;
    }
  | { readonly type: 'read'; readonly ticket: number; readonly address: number; readonly bytes: number };

export type FromWorker =
  /** After `init`; from a leader whose memory is not shared after every message: it shows no other sign of life. */
  | { readonly type: 'alive' }
  | { readonly type: 'data'; readonly ticket: number; readonly data: ArrayBuffer }
  /** The worker is beyond repair: a kernel trapped, or memory could not grow. */
  | { readonly type: 'failed'; readonly code: 'outOfMemory' | 'lost'; readonly message: string };

/** The part of a worker's global scope that the worker uses. */
export interface WorkerScope {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: FromWorker, transfer?: ArrayBuffer[]): void;
}
