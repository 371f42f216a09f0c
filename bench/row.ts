/** What `whisper.ts`, `peers.ts` and `kernels.ts` save, and `report.ts` reads. */
import type { Peaks } from '../src/lab/peaks.ts';
import type { KernelTiming } from '../src/lab/timeKernel.ts';
import type { Machine } from './machine.ts';
import type { EnginePass, EngineReady } from './peerEngine.ts';
import type { Stages, Time } from './stages.ts';

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

export interface EngineRow extends EngineReady {
  readonly passes: readonly EnginePass[];
}

/** Two engines in turn, on the same work. */
export interface PeerRow {
  readonly model: string;
  readonly recording: string;
  readonly threads: number;
  readonly prefix: string;
  readonly ours: EngineRow;
  readonly theirs: EngineRow;
}

/** Ours / theirs, pair by pair. */
export function pairRatios({ ours, theirs }: PeerRow, clock: keyof Time = 'wallMs'): readonly number[] {
  return ours.passes.map(({ time }, i) => time[clock] / (theirs.passes[i]?.time[clock] ?? Number.NaN));
}

/** Of the quickest of each. */
export function bestRatio({ ours, theirs }: PeerRow): number {
  const best = (row: EngineRow): number => Math.min(...row.passes.map(({ time }) => time.wallMs));
  return best(ours) / best(theirs);
}

export interface KernelRow extends KernelTiming {
  readonly kernel: string;
  readonly variant: string;
  readonly sizes: string;
}

/** All kernels on one device. */
export interface KernelTable {
  readonly machine: Machine;
  readonly device: string;
  readonly peaks: Peaks;
  readonly rows: readonly KernelRow[];
}
