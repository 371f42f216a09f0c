/** The part of a transcript that output files show. Times are seconds. */

export interface WrittenWord {
  /** With its leading space, as the tokenizer gives it. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly probability: number;
}

export interface WrittenSegment {
  readonly id: number;
  /** First frame (10 ms) of the window it was decoded from. */
  readonly seek: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly temperature: number;
  readonly avgLogprob: number;
  readonly compressionRatio: number;
  readonly noSpeechProb: number;
  readonly words?: readonly WrittenWord[] | undefined;
}

export interface Transcript {
  readonly text: string;
  readonly segments: readonly WrittenSegment[];
  /** Code of the language, e.g. `en`. */
  readonly language: string;
}

/**
 * Were word times asked for? A segment that was emptied has an empty list of words even when they were not, so one
 * segment with words says nothing.
 */
export function hasWords(transcript: Transcript): boolean {
  return transcript.segments.length > 0 && transcript.segments.every((segment) => segment.words !== undefined);
}
