/**
 * Gives the segments of a window their words, and moves the borders of segments to them.
 *
 * @see openai/whisper, whisper/timing.py: add_word_timestamps, merge_punctuations
 */
import { roundHundredths, strip } from '../../base/python.ts';
import type { WordTokens } from '../../text/words.ts';
import { framesToSeconds } from '../time.ts';
import type { Word } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import type { AlignedWord } from './alignment.ts';

const SENTENCE_ENDS = '.。!！?？';
/** Upper limit of the median word duration, in seconds. */
const MAX_MEDIAN = 0.7;

export interface WordTimestampsInput<S extends WindowSegment> {
  /** Of one window. */
  readonly segments: readonly S[];
  /** All words of their text, from `findAlignment`. */
  readonly words: readonly AlignedWord[];
  /** Ids from here on are not text. */
  readonly eot: number;
  readonly prependPunctuations: string;
  readonly appendPunctuations: string;
  /** Where the last speech before this window ended, in seconds. */
  readonly lastSpeech: number;
}

export type WithWords<S extends WindowSegment> = S & { readonly words: readonly Word[] };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** @returns the same segments, each with its words (none if it has no text) */
export function addWordTimestamps<S extends WindowSegment>(input: WordTimestampsInput<S>): WithWords<S>[] {
  const { segments, eot } = input;
  const words = input.words.map((word): Mutable<AlignedWord> => ({ ...word }));
  const median = medianDuration(words);
  cutAtSentenceEnds(words, 2 * median);
  mergePunctuations(words, input.prependPunctuations, input.appendPunctuations);

  let lastSpeech = input.lastSpeech;
  const left = words.values();
  return segments.map((segment) => {
    const nTokens = segment.tokens.filter((token) => token < eot).length;
    // findAlignment gives -0.02 in a window of one position (20 ms).
    const time = (inWindow: number): number => Math.max(0, roundHundredths(framesToSeconds(segment.seek) + inWindow));
    const own: Mutable<Word>[] = [];
    for (let taken = 0; taken < nTokens; ) {
      const next = left.next().value;
      if (!next) break;
      const { word, tokens, start, end, probability } = next;
      taken += tokens.length;
      if (word === '') continue; // merged into a neighbour
      own.push({ word, start: time(start), end: time(end), probability });
    }
    const timed = fitBorders(segment, own, lastSpeech, median);
    if (own.length > 0) lastSpeech = timed.end;
    return timed;
  });
}

/** Median of the durations that are not 0, in seconds, at most 0.7; 0 if there is none. */
function medianDuration(words: readonly AlignedWord[]): number {
  const durations = words
    .map(({ start, end }) => end - start)
    .filter((duration) => duration !== 0)
    .sort((a, b) => a - b);
  if (durations.length === 0) return 0;
  const middle = durations.length >> 1;
  const median = durations.length % 2 === 1 ? durations[middle]! : (durations[middle - 1]! + durations[middle]!) / 2;
  return Math.min(MAX_MEDIAN, median);
}

/** The alignment often makes a word next to the end of a sentence include the pause there. */
function cutAtSentenceEnds(words: readonly Mutable<AlignedWord>[], maxDuration: number): void {
  if (maxDuration === 0) return;
  let previous: AlignedWord | undefined;
  for (const word of words) {
    if (previous && word.end - word.start > maxDuration) {
      if (SENTENCE_ENDS.includes(word.word)) word.end = word.start + maxDuration;
      else if (SENTENCE_ENDS.includes(previous.word)) word.start = word.end - maxDuration;
    }
    previous = word;
  }
}

/** Joins punctuation to the word it belongs to, and leaves its own entry empty. `includes` is Python's `in`. */
export function mergePunctuations(words: readonly Mutable<WordTokens>[], prepended: string, appended: string): void {
  let following: Mutable<WordTokens> | undefined;
  for (const word of words.toReversed()) {
    if (following && word.word.startsWith(' ') && prepended.includes(strip(word.word))) {
      following.word = word.word + following.word;
      following.tokens = [...word.tokens, ...following.tokens];
      word.word = '';
      word.tokens = [];
    } else {
      following = word;
    }
  }
  let previous: Mutable<WordTokens> | undefined;
  for (const word of words) {
    if (previous && !previous.word.endsWith(' ') && appended.includes(word.word)) {
      previous.word += word.word;
      previous.tokens = [...previous.tokens, ...word.tokens];
      word.word = '';
      word.tokens = [];
    } else {
      previous = word;
    }
  }
}

/** Shortens first and last words that include a pause, and moves the segment's start and end to its words or back. */
function fitBorders<S extends WindowSegment>(
  segment: S,
  words: readonly Mutable<Word>[],
  lastSpeech: number,
  median: number,
): WithWords<S> {
  const [first, second] = words;
  const last = words.at(-1);
  if (!first || !last) return { ...segment, words };
  let { start, end } = segment;
  const maxDuration = 2 * median;
  if (
    first.end - lastSpeech > 4 * median &&
    (first.end - first.start > maxDuration || (second && second.end - first.start > 2 * maxDuration))
  ) {
    if (second && second.end - second.start > maxDuration) {
      const border = Math.max(second.end / 2, second.end - maxDuration);
      first.end = border;
      second.start = border;
    }
    first.start = Math.max(0, first.end - maxDuration);
  }
  if (start < first.end && start - 0.5 > first.start) {
    first.start = Math.max(0, Math.min(first.end - median, start));
  } else {
    start = first.start;
  }
  if (end > last.start && end + 0.5 < last.end) {
    last.end = Math.max(last.start + median, end);
  } else {
    end = last.end;
  }
  return { ...segment, start, end, words };
}
