/**
 * Noise by which an argmax becomes a draw: the index that maximises `logit[i] / t + gumbel(key, i)` is distributed as
 * softmax(logit / t). The noise of an index is a function of the key alone, so every device draws the same.
 *
 * @see Gumbel 1954; Maddison, Tarlow and Minka 2014, "A* sampling"
 */
import { randomBits } from '../../base/random.ts';

/** @returns -ln(-ln(u)) with u the middle of one of 2^24 equal parts of (0, 1): between -2.86 and 17.33 */
export function gumbel(key: number, index: number): number {
  return ofPart(randomBits(key, index) >>> 8);
}

/**
 * What `gumbel` gives if that is above `least`, else perhaps -infinity: most of what cannot win is told without a logarithm,
 * of which a vocabulary would need 100,000 a token.
 */
export function gumbelAbove(key: number, index: number, least: number): number {
  const part = randomBits(key, index) >>> 8;
  return part < partsBelow(least) ? Number.NEGATIVE_INFINITY : ofPart(part);
}

function ofPart(part: number): number {
  return -Math.log(-Math.log((part + 0.5) / 2 ** 24));
}

/** The largest value less the smallest: who trails the leader by more cannot win. */
export const GUMBEL_SPREAD = 17.33 + 2.86;

const LOWEST = -3;
const STEPS_PER_UNIT = 16;
/** How many parts surely give less than LOWEST, LOWEST + 1/16 ...: the inverse, u = exp(-exp(-g)), less one for rounding. */
const BELOW = Float64Array.from({ length: 21 * STEPS_PER_UNIT }, (_, i) =>
  Math.floor(2 ** 24 * Math.exp(-Math.exp(-(LOWEST + i / STEPS_PER_UNIT))) - 1.5),
);

/** A number of parts of (0, 1), from 0 on, that all give less than `value`. */
function partsBelow(value: number): number {
  const step = Math.floor((value - LOWEST) * STEPS_PER_UNIT);
  return step < 0 || Number.isNaN(step) ? 0 : BELOW[Math.min(step, BELOW.length - 1)]!;
}

/** One key of several words, e.g. seed, window, row and step. */
export function drawKey(...words: readonly number[]): number {
  return words.reduce((key, word) => randomBits(key, word), 0);
}
