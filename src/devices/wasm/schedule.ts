/**
 * How the commands of a program are cut for the threads, for a number of live rows.
 *
 * A command of little work runs on the leader alone: handing it out costs more. Others are cut into several chunks a
 * thread, since cores are shared with other programs and never equally fast. The cut changes no result: units are
 * independent of each other.
 */
import type { LinkedCommand } from './compile.ts';

/** Work below this is not handed out: about ten times what a join costs while the helpers spin. */
const leastNanoseconds = 15_000;
const chunksPerThread = 8;
/** Of one core, rough: 128-bit multiply-adds, and loads from the outer caches. */
const flopsPerNanosecond = 40;
const bytesPerNanosecond = 16;

export interface Schedule {
  /** Of each command: its live rows, its units, and how many units make one chunk. */
  readonly rows: Int32Array;
  readonly units: Int32Array;
  readonly unitsPerChunk: Int32Array;
}

/** @param liveRows of commands that have a dim `rows`, cut to each one's capacity; all when absent */
export function schedule(commands: readonly LinkedCommand[], liveRows: number | undefined, threads: number): Schedule {
  const rows = new Int32Array(commands.length);
  const units = new Int32Array(commands.length);
  const unitsPerChunk = new Int32Array(commands.length);
  commands.forEach(({ command, variant, context }, i) => {
    const { kernel, dims, params } = command;
    const capacity = dims.rows ?? 0;
    const live = Math.min(liveRows ?? capacity, capacity);
    const count = variant.units(context, live);
    const { flops, bytes } = kernel.cost('rows' in dims ? { ...dims, rows: live } : dims, params);
    const work = Math.max(flops / flopsPerNanosecond, bytes / bytesPerNanosecond);
    rows[i] = live;
    units[i] = count;
    unitsPerChunk[i] = work < leastNanoseconds ? count : Math.max(1, Math.floor(count / (threads * chunksPerThread)));
  });
  return { rows, units, unitsPerChunk };
}
