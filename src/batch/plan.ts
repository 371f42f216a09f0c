/** What of a batch is still to be done. */

import { inLanes } from '../base/lanes.ts';
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

/** Outputs that are looked for at once: they may be in S3. */
const AT_ONCE = 32;

/** @param keyOf of `itemKey` */
export async function planBatch(
  items: readonly BatchItem[],
  keyOf: (item: BatchItem) => string,
  state: Pick<BatchState, 'isDone' | 'failure'>,
  outputs: OutputStore,
  { retryFailed = false, force = false }: PlanOptions,
): Promise<BatchPlan> {
  const all = items.map((item): BatchTask => ({ item, key: keyOf(item) }));
  const there = new Set<BatchTask>();
  if (!force) {
    await inLanes(all, AT_ONCE, async (task) => {
      const { item, key } = task;
      if (state.isDone(item.id, key) && (await outputs.has(item, key))) there.add(task);
    });
  }
  const tasks: BatchTask[] = [];
  const done: BatchItem[] = [];
  const failed: JournalEntry[] = [];
  for (const task of all) {
    const { item, key } = task;
    const failure = force ? undefined : state.failure(item.id, key);
    if (failure && !retryFailed) failed.push(failure);
    else if (there.has(task) && !failure) done.push(item);
    else tasks.push(task);
  }
  return { tasks, done, failed };
}
