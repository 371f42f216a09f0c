/** Find and replace over all segments. A match lies in one segment. */
import type { PageSegment } from '../transcriptDocument.ts';
import { setText } from './segmentEdits.ts';

export interface FindOptions {
  readonly query: string;
  readonly matchCase: boolean;
  /** Neither end within a run of letters and digits. */
  readonly wholeWord: boolean;
}

export interface Match {
  /** Place of the segment in the list. */
  readonly segment: number;
  /** In its text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** All matches in order, which do not overlap; none of an empty query. */
export function findMatches(segments: readonly PageSegment[], options: FindOptions): readonly Match[] {
  const pattern = patternOf(options);
  if (!pattern) return [];
  return segments.flatMap(({ text }, segment) =>
    [...text.matchAll(pattern)].map(({ index, 0: { length } }) => ({ segment, start: index, end: index + length })),
  );
}

/** @param replacement as it stands: no `$1` */
export function replaceAll(
  segments: readonly PageSegment[],
  options: FindOptions,
  replacement: string,
): readonly PageSegment[] {
  const pattern = patternOf(options);
  if (!pattern) return segments;
  return segments.reduce(
    (list, { text }, i) =>
      setText(
        list,
        i,
        text.replace(pattern, () => replacement),
      ),
    segments,
  );
}

export function replaceOne(
  segments: readonly PageSegment[],
  match: Match,
  replacement: string,
): readonly PageSegment[] {
  const { text } = segments[match.segment]!;
  return setText(segments, match.segment, text.slice(0, match.start) + replacement + text.slice(match.end));
}

function patternOf({ query, matchCase, wholeWord }: FindOptions): RegExp | undefined {
  if (query.trim() === '') return undefined;
  const literal = query.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const whole = wholeWord ? `(?<![\\p{L}\\p{M}\\p{N}])${literal}(?![\\p{L}\\p{M}\\p{N}])` : literal;
  return new RegExp(whole, matchCase ? 'gu' : 'giu');
}
