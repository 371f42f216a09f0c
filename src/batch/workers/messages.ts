/** What a run and its workers tell one another: JSON over the channel that `fork` makes. */

import type { ErrorData } from '../../base/errorData.ts';
import type { Progress, Warning } from '../../base/progress.ts';
import type { Whisper } from '../../whisper.ts';
import type { BatchTask } from '../executor.ts';
import type { ItemResult } from '../processItem.ts';

export interface ToWorker {
  /** Comes back with the answer. */
  readonly number: number;
  readonly task: BatchTask;
}

/** What can be told of a model. */
export type LoadedModel = Pick<Whisper, 'device' | 'storage' | 'weightBytes'>;

export type FromWorker =
  /** The model is loaded. */
  | { readonly kind: 'ready'; readonly model: LoadedModel }
  | { readonly kind: 'progress'; readonly number?: number; readonly progress: Progress }
  | { readonly kind: 'warning'; readonly number?: number; readonly warning: Warning }
  | { readonly kind: 'result'; readonly number: number; readonly result: ItemResult }
  /** What stops the whole run; of no task when the model cannot be loaded. */
  | { readonly kind: 'error'; readonly number?: number; readonly error: ErrorData };

/** The end of the channel in a worker: `process`. */
export interface Channel {
  readonly connected?: boolean;
  send?(message: FromWorker, onSent: () => void): boolean;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}
