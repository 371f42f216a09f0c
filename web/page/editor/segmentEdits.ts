/** Changes to segments, each keeping times: a list in, a new list out, in which untouched segments are the same objects. */
import type { PageSegment, PageWord } from '../transcriptDocument.ts';
import { retime } from './retime.ts';

type Segments = readonly PageSegment[];

/** Replaces the text of a segment; spaces and line breaks become one space each, the space at the front stays as it was. */
export function setText(segments: Segments, at: number, text: string): Segments {
  const segment = segments[at]!;
  const front = /^\s*/.exec(segment.text)?.[0] ?? '';
  const next = front + text.trim().replace(/\s+/gu, ' ');
  if (next === segment.text) return segments;
  const words = segment.words && (next.trim() === '' ? [] : retime(segment.words, next, segment));
  return segments.with(at, { ...segment, text: next, ...(words && { words }), isEdited: true });
}

/** Names who speaks in a segment; an empty name is none. */
export function setSpeaker(segments: Segments, at: number, name: string): Segments {
  const { speaker, ...rest } = segments[at]!;
  const next = name.trim();
  if (next === (speaker ?? '')) return segments;
  return segments.with(at, { ...rest, ...(next !== '' && { speaker: next }), isEdited: true });
}

/** The same name in the place of another, in every segment. */
export function renameSpeaker(segments: Segments, from: string, to: string): Segments {
  return segments.reduce(
    (list: Segments, { speaker }, i) => (speaker === from ? setSpeaker(list, i, to) : list),
    segments,
  );
}

/**
 * Two segments of one, at the end of a word.
 *
 * @param offset in the text; the nearest end of a word is taken
 * @returns the same list if nothing would be left on one side
 */
export function splitAt(segments: Segments, at: number, offset: number): Segments {
  const segment = segments[at]!;
  const parts = segment.words?.length ? splitWords(segment, segment.words, offset) : splitText(segment, offset);
  if (!parts || parts.some(({ text }) => text.trim() === '')) return segments;
  const id = 1 + segments.reduce((largest, one) => Math.max(largest, one.id), 0);
  const [first, second] = parts;
  return segments.toSpliced(
    at,
    1,
    { ...segment, ...first, isEdited: true },
    { ...segment, ...second, id, isEdited: true },
  );
}

type Part = Pick<PageSegment, 'start' | 'end' | 'text' | 'words'>;

function splitWords(
  segment: PageSegment,
  words: readonly PageWord[],
  offset: number,
): readonly [Part, Part] | undefined {
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  let length = 0;
  for (let count = 1; count < words.length; count++) {
    length += words[count - 1]!.text.length;
    if (Math.abs(length - offset) < distance) {
      distance = Math.abs(length - offset);
      best = count;
    }
  }
  if (best === 0) return undefined;
  const part = (list: readonly PageWord[], start: number, end: number): Part => ({
    start,
    end,
    text: list.map(({ text }) => text).join(''),
    words: list,
  });
  const [head, rest] = [words.slice(0, best), words.slice(best)];
  return [part(head, segment.start, head.at(-1)!.end), part(rest, rest[0]!.start, segment.end)];
}

/** Without word times: in proportion to the letters. */
function splitText({ text, start, end }: PageSegment, offset: number): readonly [Part, Part] | undefined {
  const spaces = [...text.matchAll(/(?<=\S)\s/gu)].map(({ index }) => index);
  // A text without spaces is cut where it was asked for.
  const places = spaces.length > 0 ? spaces : [offset];
  const place = places.reduce((best, one) => (Math.abs(one - offset) < Math.abs(best - offset) ? one : best));
  const [head, rest] = [text.slice(0, place), text.slice(place)];
  const time = start + ((end - start) * head.trim().length) / Math.max(1, head.trim().length + rest.trim().length);
  return [
    { start, end: time, text: head },
    { start: time, end, text: rest },
  ];
}

/** A segment and the one after it as one; who speaks is who speaks in the first. */
export function mergeNext(segments: Segments, at: number): Segments {
  const [first, second] = segments.slice(at, at + 2);
  if (!first || !second) return segments;
  const { words: _, ...rest } = first;
  const words = first.words && second.words && [...first.words, ...second.words];
  return segments.toSpliced(at, 2, {
    ...rest,
    start: Math.min(first.start, second.start),
    end: Math.max(first.end, second.end),
    text: first.text + second.text,
    ...(words && { words }),
    isEdited: true,
  });
}

/** Takes a segment out. */
export function remove(segments: Segments, at: number): Segments {
  return segments.toSpliced(at, 1);
}
