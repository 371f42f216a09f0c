/**
 * Joins two pieces that heard the same seconds, so that no word is lost, doubled or out of order: a word that both heard
 * at the same time is where the one is left and the other taken up. Of such words the one nearest the middle is taken,
 * since a piece hears badly at its ends, where words are cut.
 */

import type { Tokenizer } from '../../text/tokenizer.ts';
import { timePrecision } from '../../text/tokenizer.ts';
import { framesToSeconds, LAST_TICK } from '../time.ts';
import type { WindowPlace, WindowSegment } from '../window/segments.ts';
import type { AlignedWord } from '../words/alignment.ts';

/** A decoded window whose words have their times. */
export interface SpokenWindow {
  readonly place: WindowPlace;
  /** Without words. */
  readonly segments: readonly WindowSegment[];
  /** All of their text, in order; times from the start of the window. */
  readonly aligned: readonly AlignedWord[];
  /** Where speech ended before it, in seconds. */
  readonly lastSpeech: number;
}

/** A word and when it was said, in seconds of the recording. */
export interface SpokenWord {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Join {
  /** How many words of the first piece are kept, from its start. */
  readonly keep: number;
  /** How many words of the second piece are dropped, from its start. */
  readonly drop: number;
}

/** Seconds by which the times of one word can differ in two windows. */
const TOLERANCE = 1;

/** @param shared the seconds that both heard */
export function findJoin(
  before: readonly SpokenWord[],
  after: readonly SpokenWord[],
  shared: { readonly start: number; readonly end: number },
): Join {
  const middle = (shared.start + shared.end) / 2;
  const first = before.findIndex(({ end }) => end > shared.start);
  const begin = first < 0 ? before.length : first;
  const behind = after.findIndex(({ start }) => start >= shared.end);
  const end = behind < 0 ? after.length : behind;
  const pairs = commonWords(before.slice(begin), after.slice(0, end));
  const distance = ([i, j]: readonly [number, number]): number =>
    Math.abs((centre(before[begin + i]!) + centre(after[j]!)) / 2 - middle);
  const [best] = pairs.sort((a, b) => distance(a) - distance(b));
  if (best) {
    // Punctuation goes with the word before it.
    let keep = begin + best[0] + 1;
    while (keep < before.length && plain(before[keep]!.text) === '') keep++;
    let drop = best[1] + 1;
    while (drop < after.length && plain(after[drop]!.text) === '') drop++;
    return { keep, drop };
  }
  // They agree in nothing: each is believed in its own half.
  const cutAt = (words: readonly SpokenWord[]): number => {
    const at = words.findIndex((word) => centre(word) >= middle && plain(word.text) !== '');
    return at < 0 ? words.length : at;
  };
  return { keep: cutAt(before), drop: cutAt(after) };
}

function centre({ start, end }: SpokenWord): number {
  return (start + end) / 2;
}

/** What is compared of a word: its letters and digits. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]/gu, '');
}

/**
 * Pairs of equal words in their order, as many as possible (the longest common subsequence), and of equal words those
 * that were said at the same time.
 */
function commonWords(a: readonly SpokenWord[], b: readonly SpokenWord[]): [number, number][] {
  const textsOfB = b.map(({ text }) => plain(text));
  const width = b.length + 1;
  const score = new Float64Array((a.length + 1) * width);
  const worth = (i: number, j: number, text: string): number => {
    const apart = Math.abs(centre(a[i]!) - centre(b[j]!));
    return text !== '' && text === textsOfB[j] && apart < TOLERANCE ? 1 - apart / TOLERANCE / 2 : 0;
  };
  const texts = a.map(({ text }) => plain(text));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const value = worth(i, j, texts[i]!);
      const paired = value > 0 ? value + score[(i + 1) * width + j + 1]! : 0;
      score[i * width + j] = Math.max(paired, score[(i + 1) * width + j]!, score[i * width + j + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const best = score[i * width + j]!;
    const value = worth(i, j, texts[i]!);
    if (value > 0 && best === value + score[(i + 1) * width + j + 1]!) pairs.push([i++, j++]);
    else if (best === score[(i + 1) * width + j]!) i++;
    else j++;
  }
  return pairs;
}

/** The words of some windows, with the seconds in which they were said. */
export function spokenWords(windows: readonly SpokenWindow[]): SpokenWord[] {
  return windows.flatMap(({ place, aligned }) => {
    const offset = framesToSeconds(place.seek);
    return aligned.map(({ word, start, end }) => ({ text: word, start: offset + start, end: offset + end }));
  });
}

/** The words `from` up to `to` of a window, and what is left of its segments with them. */
export function takeWords(window: SpokenWindow, from: number, to: number, tokenizer: Tokenizer): SpokenWindow {
  if (from <= 0 && to >= window.aligned.length) return window;
  const aligned = window.aligned.slice(from, to);
  const count = (words: readonly AlignedWord[]): number => words.reduce((n, { tokens }) => n + tokens.length, 0);
  const firstToken = count(window.aligned.slice(0, from));
  const lastToken = firstToken + count(aligned);
  const begin = tokenizer.timestampBegin;
  const offset = framesToSeconds(window.place.seek);
  let passed = 0;
  const segments: WindowSegment[] = [];
  for (const segment of window.segments) {
    const isText = segment.tokens.map((token) => token < tokenizer.eot);
    const [start, end] = [passed, passed + isText.filter(Boolean).length];
    passed = end;
    const [low, high] = [Math.max(start, firstToken), Math.min(end, lastToken)];
    if (low >= high) continue;
    if (low === start && high === end) {
      segments.push(segment);
      continue;
    }
    // Timestamps stay at the segment's ends, and are moved to the words that are its ends now.
    const words = { first: aligned[0]!, last: aligned.at(-1)! };
    const tick = (time: number): number => begin + Math.min(LAST_TICK, Math.max(0, Math.round(time / timePrecision)));
    let text = start;
    const tokens: number[] = [];
    const tokenLogprobs: number[] = [];
    segment.tokens.forEach((token, i) => {
      const isFirst = i === 0 && low > start;
      const isLast = i === segment.tokens.length - 1 && high < end;
      if (isText[i]) {
        const taken = text >= low && text < high;
        text++;
        if (!taken) return;
      }
      const moved = isFirst ? tick(words.first.start) : isLast ? tick(words.last.end) : token;
      tokens.push(isText[i] || token < begin ? token : moved);
      tokenLogprobs.push(segment.tokenLogprobs[i]!);
    });
    segments.push({
      ...segment,
      ...(low > start && { start: offset + words.first.start }),
      ...(high < end && { end: offset + words.last.end }),
      text: tokenizer.decode(tokens.filter((token) => token < tokenizer.eot)),
      tokens,
      tokenLogprobs,
    });
  }
  return { ...window, segments, aligned };
}

/** The first `count` segments of a window, with their words. */
export function firstSegments(window: SpokenWindow, count: number, eot: number): SpokenWindow {
  const segments = window.segments.slice(0, count);
  let left = segments.reduce((n, { tokens }) => n + tokens.filter((token) => token < eot).length, 0);
  const aligned: AlignedWord[] = [];
  for (const word of window.aligned) {
    if (left <= 0) break;
    aligned.push(word);
    left -= word.tokens.length;
  }
  return { ...window, segments, aligned };
}
