/** Segments for tests of the page: words a second apart, half a second long. */
import type { Segment } from 'sotto/core';
import type { PageSegment, PageWord } from '../../web/page/transcriptDocument.ts';

/** Words of a text, one a second from `start` on; each keeps the space before it. */
export function wordsFrom(text: string, start: number): readonly PageWord[] {
  const texts = text.match(/\s*\S+/gu) ?? [];
  return texts.map((word, i) => ({ text: word, start: start + i, end: start + i + 0.5, probability: 0.75 }));
}

/** A segment with word times. */
export function spoken(id: number, start: number, text: string): PageSegment {
  const words = wordsFrom(text, start);
  return { id, start, end: start + words.length, text, words };
}

/** `Hello@1-1.5`: a word and its time, to compare many at a glance. */
export function shown(words: readonly PageWord[] | undefined): string {
  const round = (time: number): number => Math.round(1000 * time) / 1000;
  return (words ?? []).map(({ text, start, end }) => `${text}@${round(start)}-${round(end)}`).join('');
}

/** A segment as the model gives it, with words a second apart; every fourth is unsure. */
export function modelSegment(id: number, start: number, text: string, speaker?: string): Segment {
  const who = speaker === undefined ? {} : { speaker };
  const words = wordsFrom(text, start).map((word, i) => ({
    word: word.text,
    start: word.start,
    end: word.end,
    probability: i % 4 === 3 ? 0.25 : 0.75,
    ...who,
  }));
  return {
    id,
    seek: 0,
    start,
    end: start + words.length,
    text,
    tokens: [50364, 7, 50464],
    tokenLogprobs: [-0.1, -0.2, -0.3],
    temperature: 0,
    avgLogprob: -0.25,
    compressionRatio: 1.5,
    noSpeechProb: 0.01,
    ...who,
    words,
  };
}
