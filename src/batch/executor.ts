/** Who does the work of a batch: this process, or workers. */
import type { Progress, Warning } from '../base/progress.ts';
import type { BatchItem } from './item.ts';
import type { ItemResult } from './processItem.ts';

export interface BatchTask {
  readonly item: BatchItem;
  readonly key: string;
}

export interface TaskCall {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

export interface Executor {
  /** Tasks that are given to it at once, at most. */
  readonly capacity: number;
  /** @throws what stops the run; the signal's reason */
  run(task: BatchTask, call: TaskCall): Promise<ItemResult>;
}
