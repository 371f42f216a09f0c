/**
 * The transform of `cosine32.ts` in integers: values count 2 ** -23, and each product is rounded down.
 *
 * @see FFmpeg 5.1, libavcodec/dct32_template.c with integers (facts only: what is rounded, where)
 */

const SIZE = 32;
const ONE = 2 ** 23;

/** For sizes 32 to 2, one after another: 2 ** 32 / (2 cos(pi (2k + 1) / (2 size)) * 2 ** shift), below 2 ** 31. */
const divisors: number[] = [];
const shifts: number[] = [];
for (let size = SIZE; size > 1; size /= 2) {
  for (let k = 0; k < size / 2; k++) {
    const divisor = 0.5 / Math.cos((Math.PI * (2 * k + 1)) / (2 * size));
    const shift = Math.max(1, Math.floor(Math.log2(divisor)) + 2);
    divisors.push(Math.floor((divisor / 2 ** shift) * 2 ** 32 + 0.5));
    shifts.push(shift);
  }
}
const DIVISORS = Float64Array.from(divisors);
const SHIFTS = Uint8Array.from(shifts);

/** Where result n lies after the butterflies: its bits in reverse. */
const PLACES = Uint8Array.from({ length: SIZE }, (_, n) => {
  let place = 0;
  for (let bit = 0; bit < 5; bit++) place |= ((n >> bit) & 1) << (4 - bit);
  return place;
});

/** Additions of neighbours in the odd halves, sizes 4 to 32, as pairs of places (to, from). */
const ADDITIONS = (() => {
  const additions: number[] = [];
  for (let bits = 1; bits < 5; bits++) {
    const half = 1 << bits;
    for (let start = half; start < SIZE; start += 2 * half) {
      for (let m = 0; m + 1 < half; m++) {
        additions.push(start + (PLACES[m]! >> (5 - bits)), start + (PLACES[m + 1]! >> (5 - bits)));
      }
    }
  }
  return Uint8Array.from(additions);
})();

/** floor(a * b / 2 ** 32) of 32-bit integers. */
function highProduct(a: number, b: number): number {
  const low = b & 0xffff;
  return Math.floor((a * ((b - low) / 65536) + Math.floor((a * low) / 65536)) / 65536);
}

const work = new Float64Array(SIZE);
const upper = new Float64Array(SIZE / 2);

/** Transforms x from `from` on into y from `to` on; multiples of 2 ** -23 both. */
export function fixedCosine32(x: Float64Array, from: number, y: Float64Array, to: number): void {
  for (let k = 0; k < SIZE; k++) work[k] = x[from + k]! * ONE;
  for (let half = SIZE / 2, first = 0; half > 0; first += half, half >>= 1) {
    for (let start = 0; start < SIZE; start += 2 * half) {
      for (let k = 0; k < half; k++) upper[k] = work[start + 2 * half - 1 - k]!;
      for (let k = 0; k < half; k++) {
        const low = work[start + k]!;
        const high = upper[k]!;
        const difference = (low - high) * (1 << SHIFTS[first + k]!);
        work[start + k] = low + high;
        work[start + half + k] = highProduct(difference | 0, DIVISORS[first + k]!);
      }
    }
  }
  for (let i = 0; i < ADDITIONS.length; i += 2) work[ADDITIONS[i]!]! += work[ADDITIONS[i + 1]!]!;
  for (let n = 0; n < SIZE; n++) y[to + n] = work[PLACES[n]!]! / ONE;
}
