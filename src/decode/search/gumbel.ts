/**
 * Noise by which an argmax becomes a draw: the index that maximises `logit[i] / t + gumbel(key, i)` is distributed as
 * softmax(logit / t). The noise of an index is a function of the key alone, so every device draws the same.
 *
 * @see Gumbel 1954; Maddison, Tarlow and Minka 2014, "A* sampling"
 */
import { randomBits } from '../../base/random.ts';

/** @returns -ln(-ln(u)) with u the middle of one of 2^24 equal parts of (0, 1): between -2.86 and 17.33 */
export function gumbel(key: number, index: number): number {
  const u = ((randomBits(key, index) >>> 8) + 0.5) / 2 ** 24;
  return -Math.log(-Math.log(u));
}

/** The largest value less the smallest: who trails the leader by more cannot win. */
export const GUMBEL_SPREAD = 17.33 + 2.86;

/** One key of several words, e.g. seed, window, row and step. */
export function drawKey(...words: readonly number[]): number {
  return words.reduce((key, word) => randomBits(key, word), 0);
}
