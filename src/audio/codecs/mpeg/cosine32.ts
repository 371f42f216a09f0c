/**
 * A cosine transform of 32 values (type II): y[n] = sum over k of x[k] cos(pi n (2k + 1) / 64).
 *
 * The sums x[k] + x[31 - k] give the even results, by a transform of half the size; the differences, each divided by
 * 2 cos(pi (2k + 1) / 64), give by another one values of which neighbours add up to the odd results. Two such steps leave four
 * transforms of 8 values, which are written out.
 *
 * @see B. G. Lee, A new algorithm to compute the discrete cosine transform, 1984
 */

/** 1 / (2 cos(pi (2k + 1) / (2 size))), k = 0 .. size / 2 - 1. */
function divisor(size: number, k: number): number {
  return 0.5 / Math.cos((Math.PI * (2 * k + 1)) / (2 * size));
}

const OF_32 = Float64Array.from({ length: 16 }, (_, k) => divisor(32, k));
const OF_16 = Float64Array.from({ length: 8 }, (_, k) => divisor(16, k));
const C8_0 = divisor(8, 0);
const C8_1 = divisor(8, 1);
const C8_2 = divisor(8, 2);
const C8_3 = divisor(8, 3);
const C4_0 = divisor(4, 0);
const C4_1 = divisor(4, 1);
const C2 = Math.SQRT1_2;

/** In place, 8 values from `at` on. */
function cosine8(x: Float64Array, at: number): void {
  const x0 = x[at]!;
  const x1 = x[at + 1]!;
  const x2 = x[at + 2]!;
  const x3 = x[at + 3]!;
  const x4 = x[at + 4]!;
  const x5 = x[at + 5]!;
  const x6 = x[at + 6]!;
  const x7 = x[at + 7]!;
  const sum07 = x0 + x7;
  const sum16 = x1 + x6;
  const sum25 = x2 + x5;
  const sum34 = x3 + x4;
  const even0 = sum07 + sum34;
  const even1 = sum16 + sum25;
  const even2 = (sum07 - sum34) * C4_0;
  const even3 = (sum16 - sum25) * C4_1;
  const half6 = (even2 - even3) * C2;
  x[at] = even0 + even1;
  x[at + 2] = even2 + even3 + half6;
  x[at + 4] = (even0 - even1) * C2;
  x[at + 6] = half6;
  const difference07 = (x0 - x7) * C8_0;
  const difference16 = (x1 - x6) * C8_1;
  const difference25 = (x2 - x5) * C8_2;
  const difference34 = (x3 - x4) * C8_3;
  const odd0 = difference07 + difference34;
  const odd1 = difference16 + difference25;
  const odd2 = (difference07 - difference34) * C4_0;
  const odd3 = (difference16 - difference25) * C4_1;
  const half7 = (odd2 - odd3) * C2;
  const half5 = (odd0 - odd1) * C2;
  const half3 = odd2 + odd3 + half7;
  x[at + 1] = odd0 + odd1 + half3;
  x[at + 3] = half3 + half5;
  x[at + 5] = half5 + half7;
  x[at + 7] = half7;
}

/** The four transforms of 8 values, and a zero after each of those whose neighbours are added. */
const quarters = new Float64Array(4 * 9);
const EVEN = 0;
const TWICE_ODD = 9;
const ODD = 18;
const ODD_ODD = 27;

/** Transforms x from `from` on into y from `to` on. */
export function cosine32(x: Float64Array, from: number, y: Float64Array, to: number): void {
  for (let k = 0; k < 8; k++) {
    const x0 = x[from + k]!;
    const x1 = x[from + 15 - k]!;
    const x2 = x[from + 16 + k]!;
    const x3 = x[from + 31 - k]!;
    const outer = x0 + x3;
    const inner = x1 + x2;
    const outerDifference = (x0 - x3) * OF_32[k]!;
    const innerDifference = (x1 - x2) * OF_32[15 - k]!;
    quarters[EVEN + k] = outer + inner;
    quarters[TWICE_ODD + k] = (outer - inner) * OF_16[k]!;
    quarters[ODD + k] = outerDifference + innerDifference;
    quarters[ODD_ODD + k] = (outerDifference - innerDifference) * OF_16[k]!;
  }
  cosine8(quarters, EVEN);
  cosine8(quarters, TWICE_ODD);
  cosine8(quarters, ODD);
  cosine8(quarters, ODD_ODD);
  for (let m = 0; m < 8; m++) {
    const between = quarters[ODD_ODD + m]! + quarters[ODD_ODD + m + 1]!;
    y[to + 4 * m] = quarters[EVEN + m]!;
    y[to + 4 * m + 1] = quarters[ODD + m]! + between;
    y[to + 4 * m + 2] = quarters[TWICE_ODD + m]! + quarters[TWICE_ODD + m + 1]!;
    y[to + 4 * m + 3] = between + quarters[ODD + m + 1]!;
  }
}
