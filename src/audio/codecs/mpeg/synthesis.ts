/**
 * The polyphase synthesis filter bank: 32 subbands to samples, 32 at a time. A cosine transform of the subband samples goes
 * into a history of sixteen moments, and each output is a windowed sum over it.
 *
 * The standard's vector V has 64 values a moment, of which 32 differ: with D[n] = sum of S[k] cos(pi n (2k + 1) / 64),
 * V[j] = D[16 + j] and V[32 - j] = -D[16 + j] for j = 0 to 15, V[32 + j] = V[64 - j] = -D[16 - j]. So outputs j and 32 - j
 * are sums of the same values with other weights, and are made together.
 *
 * @see ISO/IEC 11172-3, 2.4.3.2.2 and figure A.2
 */
import { cosine32 } from './cosine32.ts';
import { SUBBANDS } from './imdct.ts';
import { synthesisWindow } from './synthesisWindow.ts';

const MOMENTS = 16;
/** Values of D between every second moment. */
const STRIDE = 2 * SUBBANDS;

/**
 * Weights of outputs j and 32 - j, j = 1 to 15: eight of D[16 + j], then eight of D[16 - j], for the one and the other; shape
 * [16][2][2][8], the first unused.
 */
const PAIR_WEIGHTS = Float64Array.from({ length: 16 * 32 }, (_, index) => {
  const j = index >> 5;
  const at = 64 * (index & 7);
  switch ((index >> 3) & 3) {
    case 0:
      return synthesisWindow(at + j);
    case 1:
      return -synthesisWindow(at + 32 + j);
    case 2:
      return -synthesisWindow(at + 32 - j);
    default:
      return -synthesisWindow(at + 64 - j);
  }
});

/** Weights of outputs 0 (D[16] of even, of odd moments) and 16 (D[0] of odd ones); shape [3, 8]. */
const EDGE_WEIGHTS = Float64Array.from({ length: 24 }, (_, index) => {
  const at = 64 * (index & 7);
  const kind = index >> 3;
  return kind === 0 ? synthesisWindow(at) : -synthesisWindow(at + (kind === 1 ? 32 : 48));
});

export class SynthesisFilter {
  /** D of the last 16 moments twice, so that 16 in a row never wrap; shape [2 * 16, 32], newest at `#newest`. */
  readonly #history = new Float64Array(2 * MOMENTS * SUBBANDS);
  #newest = 0;
  readonly #out = new Float64Array(SUBBANDS);
  readonly #transform: typeof cosine32;

  constructor(transform: typeof cosine32 = cosine32) {
    this.#transform = transform;
  }

  /**
   * One moment.
   *
   * @param subbands 32 samples from `from` on
   * @returns 32 samples of the channel; an array that the next step fills again
   */
  step(subbands: Float64Array, from: number): Float64Array {
    const d = this.#history;
    const out = this.#out;
    this.#newest = (this.#newest - 1) & (MOMENTS - 1);
    const newest = this.#newest * SUBBANDS;
    this.#transform(subbands, from, d, newest);
    d.copyWithin(newest + MOMENTS * SUBBANDS, newest, newest + SUBBANDS);

    let first = 0;
    let middle = 0;
    for (let i = 0, even = newest, odd = newest + SUBBANDS; i < 8; i++, even += STRIDE, odd += STRIDE) {
      first += d[even + 16]! * EDGE_WEIGHTS[i]! + d[odd + 16]! * EDGE_WEIGHTS[8 + i]!;
      middle += d[odd]! * EDGE_WEIGHTS[16 + i]!;
    }
    out[0] = first;
    out[16] = middle;
    windowPairs(d, newest, out);
    return out;
  }
}

/** Outputs j and 32 - j, j = 1 to 15. Two sums each, of every second term, take a fifth less time than one. */
function windowPairs(d: Float64Array, newest: number, out: Float64Array): void {
  const w = PAIR_WEIGHTS;
  for (let j = 1; j < 16; j++) {
    let low = 0;
    let high = 0;
    let nextLow = 0;
    let nextHigh = 0;
    let even = newest + 16 + j;
    let odd = newest + SUBBANDS + 16 - j;
    for (let k = 32 * j; k < 32 * j + 8; k += 2, even += 2 * STRIDE, odd += 2 * STRIDE) {
      const a = d[even]!;
      const b = d[odd]!;
      low += a * w[k]! + b * w[k + 8]!;
      high += a * w[k + 16]! + b * w[k + 24]!;
      const nextA = d[even + STRIDE]!;
      const nextB = d[odd + STRIDE]!;
      nextLow += nextA * w[k + 1]! + nextB * w[k + 9]!;
      nextHigh += nextA * w[k + 17]! + nextB * w[k + 25]!;
    }
    out[j] = low + nextLow;
    out[32 - j] = high + nextHigh;
  }
}
