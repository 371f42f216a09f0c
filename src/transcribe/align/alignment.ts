/** What aligning a known text gives. */
import type { Transcript, Unmatched } from '../transcript.ts';

/**
 * The known text with its times. A segment is a line of the text; lines of which nothing is said have none. A word that is not
 * said has no duration and a probability of 0, and stands between its neighbours.
 */
export interface Alignment extends Transcript {
  /** In the order of time. */
  readonly unmatched: readonly Unmatched[];
  /** Words of the text; marks alone are none. */
  readonly wordCount: number;
  /** Those that were found. */
  readonly foundCount: number;
}
