/**
 * Inverse modified cosine transforms of 18 and 6 values, windowed and overlapped: x[n] = sum over k of
 * X[k] cos(pi / (2N) (2n + 1 + N/2) (2k + 1)), n = 0 .. N - 1, with N = 36 or 12.
 *
 * Of the N results only N / 2 differ: they are a cosine transform of type IV, y[m] = sum of X[k] cos(pi / (2N) (2m + 1)
 * (2k + 1)), as y[9..17], then -y[17..0], then -y[0..8] (N = 36). With 2 cos(a) cos(b) = cos(a + b) + cos(a - b) it is one of
 * type III of the sums of neighbours, divided by 2 cos(pi (2m + 1) / (2N)), which the windows have taken in. That one falls
 * apart into two of 9 values, for even and odd k, the odd by the same step.
 *
 * @see ISO/IEC 11172-3, 2.4.3.4.10; B. G. Lee, A new algorithm to compute the discrete cosine transform, 1984
 */

/** Windows before the division above: normal, start, short, stop (`Granule.blockType`); shape [4][36], short ones [12]. */
function windowShape(blockType: number): Float64Array {
  const length = blockType === 2 ? 12 : 36;
  return Float64Array.from({ length }, (_, n) => {
    const sine = Math.sin((Math.PI / length) * (n + 0.5));
    const m = blockType === 1 ? n : 35 - n;
    if (blockType === 0 || blockType === 2 || m < 18) return sine;
    if (m < 24) return 1;
    return m < 30 ? Math.sin((Math.PI / 12) * (m - 18 + 0.5)) : 0;
  });
}

/**
 * Windows with the factors of the transform. Odd subbands run backwards in frequency, so their odd samples change sign, which
 * is done here too; index: 4 * (subband & 1) + block type.
 */
export const LONG_WINDOWS: readonly Float64Array[] = Array.from({ length: 8 }, (_, index) => {
  const shape = windowShape(index & 3);
  return Float64Array.from({ length: 36 }, (_, n) => {
    const m = n < 9 ? n + 9 : n < 27 ? 26 - n : n - 27;
    const sign = (n < 9 ? 1 : -1) * (index >= 4 && n % 2 === 1 ? -1 : 1);
    return (sign * shape[n]!) / (2 * Math.cos((Math.PI / 72) * (2 * m + 1)));
  });
});

function cosineOf(degrees: number): number {
  return Math.cos((Math.PI * degrees) / 180);
}
const C10 = cosineOf(10);
const C20 = cosineOf(20);
const C30 = cosineOf(30);
const C40 = cosineOf(40);
const C50 = cosineOf(50);
const C70 = cosineOf(70);
const C80 = cosineOf(80);

/** y[m] = sum over j of x[j] cos(pi j (2m + 1) / 18); lengths 9. */
function cosine9(x: Float64Array, y: Float64Array): void {
  const x0 = x[0]!;
  const x1 = x[1]!;
  const x2 = x[2]!;
  const x3 = x[3]! * C30;
  const x4 = x[4]!;
  const x5 = x[5]!;
  const x6 = x[6]!;
  const x7 = x[7]!;
  const x8 = x[8]!;
  const sum06 = x0 + 0.5 * x6;
  const even0 = sum06 + C20 * x2 + C40 * x4 + C80 * x8;
  const even1 = x0 - x6 + 0.5 * (x2 - x4 - x8);
  const even2 = sum06 - C80 * x2 - C20 * x4 + C40 * x8;
  const even3 = sum06 - C40 * x2 + C80 * x4 - C20 * x8;
  const odd0 = C10 * x1 + x3 + C50 * x5 + C70 * x7;
  const odd1 = C30 * (x1 - x5 - x7);
  const odd2 = C50 * x1 - x3 - C70 * x5 + C10 * x7;
  const odd3 = C70 * x1 - x3 + C10 * x5 - C50 * x7;
  y[0] = even0 + odd0;
  y[1] = even1 + odd1;
  y[2] = even2 + odd2;
  y[3] = even3 + odd3;
  y[4] = x0 - x2 + x4 - x6 + x8;
  y[5] = even3 - odd3;
  y[6] = even2 - odd2;
  y[7] = even1 - odd1;
  y[8] = even0 - odd0;
}

/** 1 / (2 cos(pi (2m + 1) / 36)). */
const ODD_FACTORS = Float64Array.from({ length: 9 }, (_, m) => 0.5 / Math.cos((Math.PI / 36) * (2 * m + 1)));

const evens = new Float64Array(9);
const odds = new Float64Array(9);
const evenCosines = new Float64Array(9);
const oddCosines = new Float64Array(9);

/** Samples of all subbands at one moment lie together in the output. */
export const SUBBANDS = 32;
export const SUBBAND_LINES = 18;

/**
 * One subband with long windows.
 *
 * @param lines the spectrum; 18 lines from `18 * subband` on
 * @param window of `LONG_WINDOWS`
 * @param overlap second halves of the last granule's windows, which this one's replace; shape [32, 18]
 * @param out shape [18, 32] from `from` on
 */
export function longBlock(
  lines: Float32Array,
  subband: number,
  window: Float64Array,
  overlap: Float64Array,
  out: Float64Array,
  from: number,
): void {
  const at = SUBBAND_LINES * subband;
  let before = 0;
  let beforeSum = 0;
  for (let j = 0; j < 9; j++) {
    const even = lines[at + 2 * j]!;
    const odd = lines[at + 2 * j + 1]!;
    const sum = odd + even;
    evens[j] = even + before;
    odds[j] = sum + beforeSum;
    before = odd;
    beforeSum = sum;
  }
  cosine9(evens, evenCosines);
  cosine9(odds, oddCosines);
  const column = from + subband;
  for (let k = 0; k < 9; k++) {
    const even = evenCosines[k]!;
    const odd = oddCosines[k]! * ODD_FACTORS[k]!;
    const first = even - odd;
    const second = even + odd;
    out[column + SUBBANDS * (8 - k)] = first * window[8 - k]! + overlap[at + 8 - k]!;
    out[column + SUBBANDS * (9 + k)] = first * window[9 + k]! + overlap[at + 9 + k]!;
    overlap[at + 8 - k] = second * window[26 - k]!;
    overlap[at + 9 + k] = second * window[27 + k]!;
  }
}

/** Window times cosine of the transform of 6 values; shape [12, 6]. */
const SHORT_FACTORS = (() => {
  const shape = windowShape(2);
  return Float64Array.from({ length: 72 }, (_, i) => {
    const n = Math.floor(i / 6);
    return shape[n]! * Math.cos((Math.PI / 24) * (2 * n + 7) * (2 * (i % 6) + 1));
  });
})();

const threeBlocks = new Float64Array(36);

/**
 * One subband with three short windows, whose lines take turns; arguments as of `longBlock`. The last third of the overlap is
 * zero after start and short windows, after which alone short ones may come. Where a damaged stream has others, ffmpeg drops it.
 */
export function shortBlocks(
  lines: Float32Array,
  subband: number,
  overlap: Float64Array,
  out: Float64Array,
  from: number,
): void {
  const at = SUBBAND_LINES * subband;
  threeBlocks.fill(0);
  for (let block = 0; block < 3; block++) {
    for (let n = 0; n < 12; n++) {
      let sum = 0;
      for (let k = 0; k < 6; k++) sum += lines[at + block + 3 * k]! * SHORT_FACTORS[6 * n + k]!;
      threeBlocks[6 + 6 * block + n]! += sum;
    }
  }
  for (let n = 0; n < SUBBAND_LINES; n++) {
    const isInverted = (n & subband & 1) === 1;
    const first = threeBlocks[n]!;
    const second = threeBlocks[n + SUBBAND_LINES]!;
    const before = n < 12 ? overlap[at + n]! : 0;
    out[from + subband + SUBBANDS * n] = before + (isInverted ? -first : first);
    overlap[at + n] = isInverted ? -second : second;
  }
}

/** One subband without lines: what overlaps from the last granule. */
export function silentBlock(subband: number, overlap: Float64Array, out: Float64Array, from: number): void {
  const at = SUBBAND_LINES * subband;
  for (let n = 0; n < SUBBAND_LINES; n++) {
    out[from + subband + SUBBANDS * n] = overlap[at + n]!;
    overlap[at + n] = 0;
  }
}
