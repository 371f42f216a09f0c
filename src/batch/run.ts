/** The loop of a batch: some tasks at once, the journal after each, to the end or to what stops all. */
import { anySignal } from '../base/signals.ts';
import type { BatchTask, Executor, TaskCall } from './executor.ts';
import type { JournalEntry } from './journal.ts';
import type { ItemResult } from './processItem.ts';

export interface BatchEvents extends Omit<TaskCall, 'signal'> {
  readonly onBegin?: ((task: BatchTask) => void) | undefined;
  /** After its line is in the journal. */
  readonly onEnd?: ((task: BatchTask, result: ItemResult) => void) | undefined;
}

/**
 * @param tasks in the order in which they are begun
 * @throws what stops the run, when what runs has ended; the signal's reason
 */
export async function runBatch(
  tasks: Iterable<BatchTask>,
  executor: Executor,
  journal: { append(entry: JournalEntry): void },
  given: AbortSignal,
  eventsOf: (task: BatchTask) => BatchEvents = () => ({}),
): Promise<void> {
  const stop = new AbortController();
  const { signal, release } = anySignal(given, stop.signal);
  const waiting = tasks[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done && !signal.aborted; next = waiting.next()) {
      const task = next.value;
      const { onBegin, onEnd, ...call } = eventsOf(task);
      onBegin?.(task);
      const result = await executor.run(task, { ...call, signal });
      journal.append(entryOf(task, result));
      onEnd?.(task, result);
    }
  };
  const lanes = Array.from({ length: executor.capacity }, () =>
    // Only the first error counts: the others are of what it has stopped.
    lane().catch((error: unknown) => stop.abort(error)),
  );
  await Promise.all(lanes);
  release();
  given.throwIfAborted();
  stop.signal.throwIfAborted();
}

export function entryOf({ item, key }: BatchTask, result: ItemResult): JournalEntry {
  const { id, bytes, version } = item;
  const at = new Date().toISOString();
  return { id, key, ...result, version, ...(bytes !== undefined && { bytes }), at };
}
