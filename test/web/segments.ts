/** Segments for tests of the page: words a second apart, half a second long. */
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
