/** One row of `whisper.ts` as it is saved: a model, a recording, a device, and what its processes measured. */
import type { Machine } from './machine.js';
import type { Stages } from './stages.js';

export interface RowProcess {
  readonly machine: Machine;
  readonly device: string;
  readonly audioSeconds: number;
  readonly loadMs: number;
  /** Reading and decoding the file. */
  readonly audioMs: number;
  /** In order: the first is the cold one. */
  readonly passes: readonly Stages[];
  readonly peakMegabytes: number;
}

/** What is saved of one row. */
export interface WhisperRow {
  readonly model: string;
  readonly recording: string;
  readonly device: string;
  /** Of the CPU device; a GPU's row has none. */
  readonly threads?: number;
  readonly prefix: string;
  readonly processes: readonly RowProcess[];
}

/** Transcriptions that count: all but the first of each process, where there are more. */
export function warmPasses({ processes }: WhisperRow): readonly Stages[] {
  return processes.flatMap(({ passes }) => (passes.length > 1 ? passes.slice(1) : passes));
}

/** Node's major version of a row. */
export function nodeOf({ processes }: WhisperRow): string {
  return processes[0]?.machine.node.replace(/^v(\d+).*/, '$1') ?? '';
}
