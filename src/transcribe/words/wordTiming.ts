/**
 * Gives the segments of a window their words, and moves segment borders to them.
 *
 * @see openai/whisper, whisper/timing.py: add_word_timestamps, merge_punctuations
 */

import { roundHundredths, strip } from '../../base/python.ts';
import { framesToSeconds } from '../time.ts';
import type { Word } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import type { AlignedWord } from './alignment.ts';

export const defaultPrependPunctuations = '"\'“¿([{-';
export const defaultAppendPunctuations = '"\'.。,，!！?？:：”)]}、';
const SENTENCE_ENDS = '.。!！?？';
/** Longest median word duration that is believed, in seconds. */
const MAX_MEDIAN = 0.7;

export interface WordTimingInput {
  /** Of one window. */
  readonly segments: readonly WindowSegment[];
  /** Words of all its text, from `alignWords`. */
  readonly aligned: readonly AlignedWord[];
  /** Ids from here on are no text. */
  readonly eot: number;
  readonly prependPunctuations: string;
  readonly appendPunctuations: string;
  /** Where the last speech before this window ended, in seconds. */
  readonly lastSpeech: number;
}

type MutableWord = { -readonly [K in keyof Word]: Word[K] };
type MutableAligned = { -readonly [K in keyof AlignedWord]: AlignedWord[K] };

/** @returns the same segments, each with its words (none if it has no text) */
export function addWords(input: WordTimingInput): WindowSegment[] {
  const { segments, eot } = input;
  const words = input.aligned.map((word): MutableAligned => ({ ...word }));
  const median = medianDuration(words);
  const longest = 2 * median;
  cutAtSentenceEnds(words, longest);
  mergePunctuation(words, input.prependPunctuations, input.appendPunctuations);

  let lastSpeech = input.lastSpeech;
  let next = 0;
  return segments.map((segment) => {
    const nTokens = segment.tokens.filter((token) => token < eot).length;
    // The one position of a window of 20 ms is timed -1; no time is below 0, though.
    const time = (inWindow: number): number => Math.max(0, roundHundredths(framesToSeconds(segment.seek) + inWindow));
    const own: MutableWord[] = [];
    for (let taken = 0; next < words.length && taken < nTokens; next++) {
      const { word, tokens, start, end, probability } = words[next]!;
      taken += tokens.length;
      if (word === '') continue; // merged into a neighbour
      own.push({ word, start: time(start), end: time(end), probability });
    }
    const timed = fitBorders(segment, own, lastSpeech, median);
    if (own.length > 0) lastSpeech = timed.end;
    return timed;
  });
}

/** Of the words that take time, in seconds, at most 0.7; 0 if none does. */
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

/** A word at the border of a sentence often takes in the pause there. */
function cutAtSentenceEnds(words: MutableAligned[], longest: number): void {
  if (longest === 0) return;
  for (let i = 1; i < words.length; i++) {
    const word = words[i]!;
    if (!(word.end - word.start > longest)) continue;
    if (SENTENCE_ENDS.includes(word.word)) word.end = word.start + longest;
    else if (SENTENCE_ENDS.includes(words[i - 1]!.word)) word.start = word.end - longest;
  }
}

/** Joins punctuation to the word it belongs to; the words it stood in become empty. `includes` is Python's `in`. */
function mergePunctuation(words: MutableAligned[], prepended: string, appended: string): void {
  for (let i = words.length - 2, j = words.length - 1; i >= 0; i--) {
    const previous = words[i]!;
    const following = words[j]!;
    if (previous.word.startsWith(' ') && prepended.includes(strip(previous.word))) {
      following.word = previous.word + following.word;
      following.tokens = [...previous.tokens, ...following.tokens];
      previous.word = '';
      previous.tokens = [];
    } else {
      j = i;
    }
  }
  for (let i = 0, j = 1; j < words.length; j++) {
    const previous = words[i]!;
    const following = words[j]!;
    if (!previous.word.endsWith(' ') && appended.includes(following.word)) {
      previous.word += following.word;
      previous.tokens = [...previous.tokens, ...following.tokens];
      following.word = '';
      following.tokens = [];
    } else {
      i = j;
    }
  }
}

/** Shortens first and last words that reach into pauses, and moves the segment's borders to its words or back. */
function fitBorders(segment: WindowSegment, words: MutableWord[], lastSpeech: number, median: number): WindowSegment {
  const first = words[0];
  const last = words.at(-1);
  if (!first || !last) return { ...segment, words };
  let { start, end } = segment;
  const longest = 2 * median;
  const second = words[1];
  if (
    first.end - lastSpeech > 4 * median &&
    (first.end - first.start > longest || (second && second.end - first.start > 2 * longest))
  ) {
    if (second && second.end - second.start > longest) {
      const border = Math.max(second.end / 2, second.end - longest);
      first.end = border;
      second.start = border;
    }
    first.start = Math.max(0, first.end - longest);
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
