/**
 * Attention of a row whose keys are split over workgroups: [rows, nHead, splits, headDim + 4].
 *
 * Split s has keys [s c, (s + 1) c) of `count`, c = ceil(count / splits): its sum of exp(score - top) v over them, then `top`, the
 * largest score, and the sum of exp(score - top). One without keys has zeros, and MASKED for its top. What reads it merges them:
 *
 *   y = sum over s of exp(top_s - top) o_s  /  sum over s of exp(top_s - top) sum_s
 */
import { MASKED } from '../../rules/logitRules.ts';

export function partialWidth(nState: number, nHead: number, splits: number): number {
  return splits * (nState + 4 * nHead);
}

/** Splits of a partial attention of this width; not whole when the width is none. */
export function splitCount(width: number, nState: number, nHead: number): number {
  return width / (nState + 4 * nHead);
}

/** First key of a split and the one after its last. */
export function splitKeys(split: number, splits: number, count: number): readonly [number, number] {
  const each = Math.ceil(count / splits);
  return [Math.min(split * each, count), Math.min((split + 1) * each, count)];
}

export interface SplitRow {
  readonly headDim: number;
  readonly splits: number;
  /** Keys that the row sees. */
  readonly count: number;
  /** q . k of a key, not scaled. */
  score(key: number): number;
  /** Element i of a key's value. */
  value(key: number, i: number): number;
  /** Stores element i of split s. */
  put(split: number, i: number, value: number): void;
}

/** The splits of one row and head, in f64. */
export function referenceSplits({ headDim, splits, count, score, value, put }: SplitRow): void {
  for (let split = 0; split < splits; split++) {
    const [begin, end] = splitKeys(split, splits, count);
    const scores = Array.from({ length: end - begin }, (_, k) => score(begin + k) / Math.sqrt(headDim));
    const top = Math.max(MASKED, ...scores);
    const weights = scores.map((s) => Math.exp(s - top));
    for (let i = 0; i < headDim; i++)
      put(
        split,
        i,
        weights.reduce((sum, w, k) => sum + w * value(begin + k, i), 0),
      );
    put(split, headDim, top);
    put(
      split,
      headDim + 1,
      weights.reduce((sum, w) => sum + w, 0),
    );
    put(split, headDim + 2, 0);
    put(split, headDim + 3, 0);
  }
}
