/** Word times of a transcript. */
import type { Transcript } from '../transcribe/transcript.ts';

/**
 * Were word times asked for? A segment that was emptied has an empty list of words even when they were not, so one
 * segment with words says nothing.
 */
export function hasWords(transcript: Transcript): boolean {
  return transcript.segments.length > 0 && transcript.segments.every((segment) => segment.words !== undefined);
}
