/**
 * What a step keeps of its logits, which it never stores: for each row and tile of 64 ids, after the rules that look at one id at a
 * time, the maximum, the sum of exp(logit - maximum), whether all are finite, and the best ids with their logits.
 *
 *   summaries [rows, tiles + 1, 4 + 2 perRow], f32:  max, sum, nonFinite, 0, then perRow times (id, logit)
 *
 * A tile holds text ids or timestamp ids, never both: of the tile in which timestamps begin (decodeState.ts) those stand in one more
 * entry, the last, which is empty where they begin with a tile. Ids are exact in f32; -1 where there is no further allowed one.
 * `nonFinite` is 1 if any logit of the entry, allowed or not, is NaN or infinite.
 * @see sampling/vocabularyChunks.ts: the same from logits that are there
 */
import { columns } from '../../engine/columns.ts';
import type { HostArray } from '../../engine/dtype.ts';

/** Ids of a tile. */
export const TILE = 64;

/** What stands before the best ids. */
export const SUMMARY = columns(['max', 'sum', 'nonFinite'], 4);

/** In place of an id. */
export const NO_ID = -1;

/** Entries of a row. */
export function summaryCount(nVocab: number): number {
  return Math.ceil(nVocab / TILE) + 1;
}

export function summaryWidth(perRow: number): number {
  return SUMMARY.width + 2 * perRow;
}

/** Best ids of each entry. */
export function perRowOf(width: number): number {
  return (width - SUMMARY.width) / 2;
}

/** First id of an entry and the one after its last. @param timestampBegin nVocab where there are none */
export function summaryRange(entry: number, timestampBegin: number, nVocab: number): readonly [number, number] {
  const tiles = summaryCount(nVocab) - 1;
  const next = Math.min(Math.ceil(timestampBegin / TILE) * TILE, nVocab);
  if (entry === tiles) return [Math.min(timestampBegin, nVocab), next];
  const begin = entry * TILE;
  return [begin, begin < timestampBegin ? Math.min(begin + TILE, timestampBegin) : Math.min(begin + TILE, nVocab)];
}

/** Are the ids of one of a row's entries timestamps, where the rules know timestamps? */
export function isOfTimestamps(entry: number, timestampBegin: number): boolean {
  return entry * TILE >= timestampBegin;
}

export interface Summary {
  readonly max: number;
  readonly sum: number;
  readonly nonFinite: number;
  /** Best first, perhaps fewer than there is room for. */
  readonly best: readonly { readonly id: number; readonly logit: number }[];
}

/** Writes an entry at its place. */
export function putSummary(summaries: HostArray, at: number, width: number, { best, ...head }: Summary): void {
  summaries.set(SUMMARY.encode(head), at * width);
  for (let i = 0; i < perRowOf(width); i++) {
    const { id, logit } = best[i] ?? { id: NO_ID, logit: 0 };
    summaries.set([id, logit], at * width + SUMMARY.width + 2 * i);
  }
}

export function readSummary(summaries: HostArray, at: number, width: number): Summary {
  const cell = (i: number): number => summaries[at * width + i]!;
  const best = Array.from({ length: perRowOf(width) }, (_, i) => {
    return { id: cell(SUMMARY.width + 2 * i), logit: cell(SUMMARY.width + 2 * i + 1) };
  });
  const { index } = SUMMARY;
  return {
    max: cell(index.max),
    sum: cell(index.sum),
    nonFinite: cell(index.nonFinite),
    best: best.filter(({ id }) => id !== NO_ID),
  };
}
