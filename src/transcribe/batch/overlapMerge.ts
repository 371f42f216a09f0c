/**
 * Where the texts of two overlapping chunks are merged, so that no word is lost, doubled or out of order: at a word that
 * both have at the same time. Of several such words the one nearest the middle of the overlap is taken, because words are
 * cut, and recognised badly, at the ends of a chunk.
 */
import { framesToSeconds } from '../time.ts';
import type { Word } from '../transcript.ts';
import type { AlignedWindow } from '../words/alignedWindow.ts';

/** A word with its time in the recording. */
export type TimedWord = Pick<Word, 'word' | 'start' | 'end'>;

export interface MergePoint {
  /** How many words of the first chunk are kept, from its start. */
  readonly keep: number;
  /** How many words of the second chunk are dropped, from its start. */
  readonly drop: number;
}

/** Seconds by which the times of the same word may differ in two windows. */
const TOLERANCE = 1;

/** @param overlap the seconds that are in both chunks */
export function findMergePoint(
  before: readonly TimedWord[],
  after: readonly TimedWord[],
  overlap: { readonly start: number; readonly end: number },
): MergePoint {
  const middle = (overlap.start + overlap.end) / 2;
  const begin = indexOrLength(before, ({ end }) => end > overlap.start);
  const end = indexOrLength(after, ({ start }) => start >= overlap.end);
  const [best] = commonWords(before.slice(begin), after.slice(0, end)).sort(
    (a, b) => Math.abs(a.time - middle) - Math.abs(b.time - middle),
  );
  if (best) {
    // Punctuation goes with the word before it.
    const isWord = ({ word }: TimedWord): boolean => lettersOf(word) !== '';
    const keep = begin + best.before + 1;
    const drop = best.after + 1;
    return {
      keep: keep + indexOrLength(before.slice(keep), isWord),
      drop: drop + indexOrLength(after.slice(drop), isWord),
    };
  }
  // No common word: each chunk's own half of the overlap is taken.
  const isAfterMiddle = (word: TimedWord): boolean => centre(word) >= middle && lettersOf(word.word) !== '';
  return { keep: indexOrLength(before, isAfterMiddle), drop: indexOrLength(after, isAfterMiddle) };
}

/** The words of some windows with their times in the recording. */
export function timedWords(windows: readonly AlignedWindow[]): TimedWord[] {
  return windows.flatMap(({ place, words }) => {
    const offset = framesToSeconds(place.seek);
    return words.map(({ word, start, end }) => ({ word, start: offset + start, end: offset + end }));
  });
}

function indexOrLength<T>(items: readonly T[], test: (item: T) => boolean): number {
  const index = items.findIndex(test);
  return index < 0 ? items.length : index;
}

function centre({ start, end }: TimedWord): number {
  return (start + end) / 2;
}

/** What is compared of a word: its letters and digits. */
function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]/gu, '');
}

/** The same word in two texts. */
interface CommonWord {
  /** Its index in each of them. */
  readonly before: number;
  readonly after: number;
  /** Mean of its two centres, in seconds. */
  readonly time: number;
}

/** The longest common subsequence; of equal words those whose times are closest. */
function commonWords(before: readonly TimedWord[], after: readonly TimedWord[]): CommonWord[] {
  const compared = (words: readonly TimedWord[]) =>
    words.map((word) => ({ letters: lettersOf(word.word), centre: centre(word) }));
  const [a, b] = [compared(before), compared(after)];
  const width = b.length + 1;
  const score = new Float64Array((a.length + 1) * width);
  const worth = (i: number, j: number): number => {
    const distance = Math.abs(a[i]!.centre - b[j]!.centre);
    const isSame = a[i]!.letters !== '' && a[i]!.letters === b[j]!.letters && distance < TOLERANCE;
    return isSame ? 1 - distance / TOLERANCE / 2 : 0;
  };
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const value = worth(i, j);
      const paired = value > 0 ? value + score[(i + 1) * width + j + 1]! : 0;
      score[i * width + j] = Math.max(paired, score[(i + 1) * width + j]!, score[i * width + j + 1]!);
    }
  }
  const common: CommonWord[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const best = score[i * width + j]!;
    const value = worth(i, j);
    if (value > 0 && best === value + score[(i + 1) * width + j + 1]!) {
      common.push({ before: i, after: j, time: (a[i]!.centre + b[j]!.centre) / 2 });
      i++;
      j++;
    } else if (best === score[(i + 1) * width + j]!) i++;
    else j++;
  }
  return common;
}
