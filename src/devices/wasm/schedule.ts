/**
 * How the commands of a program are cut for the threads, for a number of live rows.
 *
 * A command of little work runs on the leader alone: handing it out costs more. Others are cut into several chunks a
 * thread, since cores are shared with other programs and never equally fast. The cut changes no result: work items are
 * independent of each other.
 */
import { InternalError } from '../../base/errors.ts';
import { forRows } from '../../engine/selectVariant.ts';
import type { CompiledCommand } from './compile.ts';

/** Work below this is not handed out: about ten times what a join costs while the helpers spin. */
const MIN_NANOSECONDS = 15_000;
const CHUNKS_PER_THREAD = 8;
/** Of one core, rough: 128-bit multiply-adds, and loads from the outer caches. */
const FLOPS_PER_NANOSECOND = 40;
const BYTES_PER_NANOSECOND = 16;

export interface Schedule {
  /** Of each command: its function, its live rows, its work items, and how many of these make one chunk. */
  readonly functions: Int32Array;
  readonly rows: Int32Array;
  readonly workItems: Int32Array;
  readonly itemsPerChunk: Int32Array;
}

/** @param liveRows of commands that have a dim `rows`, cut to each one's capacity; all when absent */
export function schedule(
  commands: readonly CompiledCommand[],
  liveRows: number | undefined,
  threads: number,
): Schedule {
  const functions = new Int32Array(commands.length);
  const rows = new Int32Array(commands.length);
  const workItems = new Int32Array(commands.length);
  const itemsPerChunk = new Int32Array(commands.length);
  commands.forEach(({ command, variants }, i) => {
    const { kernel, dims, params } = command;
    const capacity = dims.rows ?? 0;
    const live = Math.min(liveRows ?? capacity, capacity);
    const selected = forRows(variants, live);
    if (!selected) throw new InternalError(`${kernel.name}/${command.variant} is not for ${live} rows`);
    const count = selected.variant.workItems(selected.context, live);
    const { flops, bytes } = kernel.cost('rows' in dims ? { ...dims, rows: live } : dims, params);
    const work = Math.max(flops / FLOPS_PER_NANOSECOND, bytes / BYTES_PER_NANOSECOND);
    functions[i] = selected.functionIndex;
    rows[i] = live;
    workItems[i] = count;
    itemsPerChunk[i] = work < MIN_NANOSECONDS ? count : Math.max(1, Math.floor(count / (threads * CHUNKS_PER_THREAD)));
  });
  return { functions, rows, workItems, itemsPerChunk };
}
