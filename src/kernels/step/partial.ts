/**
 * Attention of a row whose keys are split over workgroups: [rows, nHead, splits, headDim + 4].
 *
 * Split s has keys [s c, (s + 1) c) of `count`, c = ceil(count / splits): its sum of exp(score - top) v over them, then `top`, the
 * largest score, and the sum of exp(score - top). One without keys has zeros, and MASKED for its top. What reads it merges them:
 *
 *   y = sum over s of exp(top_s - top) o_s  /  sum over s of exp(top_s - top) sum_s
 */
import type { HostArray } from '../../engine/dtype.ts';
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
  /** The row of the partial attention: [nHead, splits, headDim + 4]. */
  readonly partial: HostArray;
  readonly nHead: number;
  /** [nState], not scaled. */
  readonly query: ArrayLike<number>;
  /** Keys that the row sees. */
  readonly count: number;
  /** Element i of nState of a key, and of its value. */
  key(key: number, i: number): number;
  value(key: number, i: number): number;
}

/** The splits of one row, in f64. */
export function referenceSplits({ partial, nHead, query, count, key, value }: SplitRow): void {
  const headDim = query.length / nHead;
  const splits = splitCount(partial.length, query.length, nHead);
  for (let head = 0; head < nHead; head++) {
    const columns = Array.from({ length: headDim }, (_, i) => head * headDim + i);
    for (let split = 0; split < splits; split++) {
      const [begin, end] = splitKeys(split, splits, count);
      const keys = Array.from({ length: end - begin }, (_, k) => begin + k);
      const scores = keys.map((k) => columns.reduce((sum, c) => sum + query[c]! * key(k, c), 0) / Math.sqrt(headDim));
      const top = Math.max(MASKED, ...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const weighed = (of: (k: number) => number): number => keys.reduce((sum, k, n) => sum + weights[n]! * of(k), 0);
      const sums = columns.map((c) => weighed((k) => value(k, c)));
      partial.set([...sums, top, weighed(() => 1), 0, 0], (head * splits + split) * (headDim + 4));
    }
  }
}
