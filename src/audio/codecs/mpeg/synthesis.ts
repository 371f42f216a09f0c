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

  /** One moment: 32 subband samples from `from` on to 32 samples of `out` from `to` on. */
  step(subbands: Float64Array, from: number, out: Float32Array, to: number): void {
    const d = this.#history;
    this.#newest = (this.#newest - 1) & (MOMENTS - 1);
    const newest = this.#newest * SUBBANDS;
    cosine32(subbands, from, d, newest);
    d.copyWithin(newest + MOMENTS * SUBBANDS, newest, newest + SUBBANDS);

    let first = 0;
    let middle = 0;
    for (let i = 0, even = newest, odd = newest + SUBBANDS; i < 8; i++, even += STRIDE, odd += STRIDE) {
      first += d[even + 16]! * EDGE_WEIGHTS[i]! + d[odd + 16]! * EDGE_WEIGHTS[8 + i]!;
      middle += d[odd]! * EDGE_WEIGHTS[16 + i]!;
    }
    out[to] = first;
    out[to + 16] = middle;
    windowPairs(d, newest, out, to);
  }
}

/** Outputs j and 32 - j, j = 1 to 15; the sums are written out, which takes a half to two thirds of a loop's time. */
function windowPairs(d: Float64Array, newest: number, out: Float32Array, to: number): void {
  const w = PAIR_WEIGHTS;
  for (let j = 1, k = 32; j < 16; j++, k += 32) {
    const even = newest + 16 + j;
    const odd = newest + SUBBANDS + 16 - j;
    const a0 = d[even]!;
    const a1 = d[even + STRIDE]!;
    const a2 = d[even + 2 * STRIDE]!;
    const a3 = d[even + 3 * STRIDE]!;
    const a4 = d[even + 4 * STRIDE]!;
    const a5 = d[even + 5 * STRIDE]!;
    const a6 = d[even + 6 * STRIDE]!;
    const a7 = d[even + 7 * STRIDE]!;
    const b0 = d[odd]!;
    const b1 = d[odd + STRIDE]!;
    const b2 = d[odd + 2 * STRIDE]!;
    const b3 = d[odd + 3 * STRIDE]!;
    const b4 = d[odd + 4 * STRIDE]!;
    const b5 = d[odd + 5 * STRIDE]!;
    const b6 = d[odd + 6 * STRIDE]!;
    const b7 = d[odd + 7 * STRIDE]!;
    const lowA = a0 * w[k]! + a1 * w[k + 1]! + a2 * w[k + 2]! + a3 * w[k + 3]!;
    const lowB = a4 * w[k + 4]! + a5 * w[k + 5]! + a6 * w[k + 6]! + a7 * w[k + 7]!;
    const lowC = b0 * w[k + 8]! + b1 * w[k + 9]! + b2 * w[k + 10]! + b3 * w[k + 11]!;
    const lowD = b4 * w[k + 12]! + b5 * w[k + 13]! + b6 * w[k + 14]! + b7 * w[k + 15]!;
    const highA = a0 * w[k + 16]! + a1 * w[k + 17]! + a2 * w[k + 18]! + a3 * w[k + 19]!;
    const highB = a4 * w[k + 20]! + a5 * w[k + 21]! + a6 * w[k + 22]! + a7 * w[k + 23]!;
    const highC = b0 * w[k + 24]! + b1 * w[k + 25]! + b2 * w[k + 26]! + b3 * w[k + 27]!;
    const highD = b4 * w[k + 28]! + b5 * w[k + 29]! + b6 * w[k + 30]! + b7 * w[k + 31]!;
    out[to + j] = lowA + lowB + (lowC + lowD);
    out[to + 32 - j] = highA + highB + (highC + highD);
  }
}
