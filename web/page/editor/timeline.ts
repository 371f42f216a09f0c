/** Which word is spoken when. */
import type { PageSegment } from '../transcriptDocument.ts';

/** A word, or a segment that has no words, and its place. */
export interface Spot {
  readonly segment: number;
  /** -1: the segment as a whole. */
  readonly word: number;
  readonly start: number;
  readonly end: number;
}

/** All spots in the order of their starts; those of speakers who talk at once lie between one another. */
export function spotsOf(segments: readonly PageSegment[]): readonly Spot[] {
  const spots = segments.flatMap(({ words, start, end }, segment): Spot[] =>
    words?.length
      ? words.map((word, i) => ({ segment, word: i, start: word.start, end: word.end }))
      : [{ segment, word: -1, start, end }],
  );
  return spots.sort((a, b) => a.start - b.start); // stable: equal starts stay in order
}

/** The last spot that began by `time`, by binary search; -1 before the first, and long after the end of the last. */
export function spotAt(spots: readonly Spot[], time: number): number {
  let low = 0;
  let high = spots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spots[middle]!.start <= time) low = middle + 1;
    else high = middle;
  }
  const spot = spots[low - 1];
  return spot && time < spot.end + PAUSE ? low - 1 : -1;
}

/** Seconds that a word stays marked after its end if none follows. */
const PAUSE = 0.6;
