/** What of a batch is still to be done. */

import type { BatchState } from './batchState.ts';
import type { BatchTask } from './executor.ts';
import type { BatchItem } from './item.ts';
import type { JournalEntry } from './journal.ts';
import type { OutputStore } from './outputs.ts';

export interface PlanOptions {
  /** What failed before is tried again. */
  readonly retryFailed?: boolean;
  /** All is done again. */
  readonly force?: boolean;
}

export interface BatchPlan {
  readonly tasks: readonly BatchTask[];
  /** Done before. */
  readonly done: readonly BatchItem[];
  /** Failed before, and not tried again. */
  readonly failed: readonly JournalEntry[];
}

/** @param keyOf of `itemKey` */
export async function planBatch(
  items: readonly BatchItem[],
  keyOf: (item: BatchItem) => string,
  state: Pick<BatchState, 'isDone' | 'failure'>,
  outputs: OutputStore,
  { retryFailed = false, force = false }: PlanOptions,
): Promise<BatchPlan> {
  const tasks: BatchTask[] = [];
  const done: BatchItem[] = [];
  const failed: JournalEntry[] = [];
  for (const item of items) {
    const key = keyOf(item);
    const failure = state.failure(item.id, key);
    if (force) tasks.push({ item, key });
    else if (failure) {
      if (retryFailed) tasks.push({ item, key });
      else failed.push(failure);
    } else if (state.isDone(item.id, key) && (await outputs.has(item, key))) done.push(item);
    else tasks.push({ item, key });
  }
  return { tasks, done, failed };
}
