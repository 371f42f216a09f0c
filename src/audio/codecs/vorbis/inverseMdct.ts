/**
 * The inverse modified discrete cosine transform of a block: of the n values it stands for, the n / 2 in the middle, from
 * which the outer quarters follow by symmetry. By a complex transform of n / 4 points between two rotations.
 *
 *   y[i] = sum over k of x[k] cos(2 pi / n (i + 1/2 + n/4) (k + 1/2)),  i from n/4 to 3n/4
 *
 * @see Vorbis I specification, section 4.3.7; Duhamel, Mahieux, Petit, "A fast algorithm for the implementation of filter
 *   banks based on time domain aliasing cancellation", 1991
 */
export class InverseMdct {
  readonly #nPoints: number;
  /** Rotations before and after; shape [n / 4] */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  /** exp(2 pi i k / nPoints); shape [nPoints / 2] */
  readonly #rootCos: Float64Array;
  readonly #rootSin: Float64Array;
  readonly #reversed: Uint16Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  /** @param n samples of a block, a power of two from 64 on */
  constructor(n: number) {
    const nPoints = n / 4;
    this.#nPoints = nPoints;
    const angle = (k: number): number => (2 * Math.PI * (k + 1 / 8)) / n;
    this.#cos = Float64Array.from({ length: nPoints }, (_, k) => Math.cos(angle(k)));
    this.#sin = Float64Array.from({ length: nPoints }, (_, k) => Math.sin(angle(k)));
    this.#rootCos = Float64Array.from({ length: nPoints / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / nPoints));
    this.#rootSin = Float64Array.from({ length: nPoints / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / nPoints));
    const shift = 32 - Math.log2(nPoints);
    this.#reversed = Uint16Array.from({ length: nPoints }, (_, k) => reverseBits(k) >>> shift);
    this.#re = new Float64Array(nPoints);
    this.#im = new Float64Array(nPoints);
  }

  /** @param x spectrum; shape [n / 2] @param out the middle; shape [n / 2] */
  run(x: Float32Array, out: Float32Array): void {
    const [re, im, cos, sin, nPoints] = [this.#re, this.#im, this.#cos, this.#sin, this.#nPoints];
    const last = 2 * nPoints - 1;
    for (let k = 0; k < nPoints; k++) {
      const [a, b] = [x[last - 2 * k]!, x[2 * k]!];
      const at = this.#reversed[k]!;
      re[at] = b * sin[k]! - a * cos[k]!;
      im[at] = -a * sin[k]! - b * cos[k]!;
    }
    this.#transform();
    for (let k = 0; k < nPoints; k++) {
      const [a, b] = [re[k]!, im[k]!];
      out[2 * k] = -a * cos[k]! + b * sin[k]!;
      out[last - 2 * k] = a * sin[k]! + b * cos[k]!;
    }
  }

  /** In place, from bit-reversed order. */
  #transform(): void {
    const [re, im, nPoints] = [this.#re, this.#im, this.#nPoints];
    for (let size = 2; size <= nPoints; size *= 2) {
      const half = size / 2;
      const stride = nPoints / size;
      for (let start = 0; start < nPoints; start += size) {
        for (let k = 0, root = 0; k < half; k++, root += stride) {
          const [c, s] = [this.#rootCos[root]!, this.#rootSin[root]!];
          const i = start + k;
          const j = i + half;
          const tr = re[j]! * c - im[j]! * s;
          const ti = re[j]! * s + im[j]! * c;
          re[j] = re[i]! - tr;
          im[j] = im[i]! - ti;
          re[i] = re[i]! + tr;
          im[i] = im[i]! + ti;
        }
      }
    }
  }
}

function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) if ((value >>> bit) & 1) reversed |= 1 << (31 - bit);
  return reversed >>> 0;
}
