/** Where the recordings of a batch come from. */
import type { BatchItem } from '../item.ts';

export interface Source {
  /**
   * What is there, in any order. Names may be the same: `distinct` tells them apart when all are known.
   *
   * @throws {OptionsError} `manifest` for a line that makes no sense; {AudioError} for a place that cannot be listed; the
   *   signal's reason
   */
  items(signal: AbortSignal): AsyncIterable<BatchItem>;
}
