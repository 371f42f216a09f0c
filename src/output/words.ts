/** Word times of a transcript. */
import type { Transcript } from '../transcribe/transcript.ts';

/**
 * Does the transcript have word times? A segment that was emptied has an empty list of words even without them, so all
 * segments must have one.
 */
export function hasWords(transcript: Transcript): boolean {
  return transcript.segments.length > 0 && transcript.segments.every((segment) => segment.words !== undefined);
}
