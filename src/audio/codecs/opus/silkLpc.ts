/**
 * Line spectral frequencies to the coefficients of SILK's synthesis filter, in the integer arithmetic of the RFC.
 *
 * @see RFC 6716, sections 4.2.7.5.6 to 4.2.7.5.8
 */
import type { F32Values } from './silkFrame.ts';
import { COSINE, type LsfTables } from './silkLsfTables.ts';

const MIN_INVERSE_GAIN = 107374; // 1e-4 in Q30

/** The conversion, with arrays that are used again. */
export class SilkLpc {
  readonly #doubled = new Int32Array(16); // 2 cos, Q16
  readonly #even = new Int32Array(9);
  readonly #odd = new Int32Array(9);
  readonly #wide = new Int32Array(16); // Q17
  readonly #narrow = new Int16Array(16); // Q12
  readonly #rows = [new Int32Array(16), new Int32Array(16)] as const;

  /**
   * @param frequencies in Q15; shape [order]
   * @param out prediction coefficients, that of the last sample first; shape [order] or more
   */
  ofLsf(frequencies: Int16Array, { order, ordering }: LsfTables, out: F32Values): void {
    const doubled = this.#doubled;
    for (let i = 0; i < order; i++) {
      const index = frequencies[i]! >> 8;
      const from = cosineAt(index);
      doubled[ordering[i]!] = (from * 256 + (cosineAt(index + 1) - from) * (frequencies[i]! & 255) + 4) >> 3;
    }
    const even = this.#even;
    const odd = this.#odd;
    product(doubled, order, 0, even);
    product(doubled, order, 1, odd);
    const wide = this.#wide;
    for (let i = 0; i < order / 2; i++) {
      const sum = -even[i + 1]! - even[i]!;
      const difference = odd[i + 1]! - odd[i]!;
      wide[i] = sum - difference;
      wide[order - 1 - i] = sum + difference;
    }
    const narrow = this.#narrow;
    limit(wide, narrow, order);
    for (let i = 1; i <= 16 && !isStable(narrow, order, this.#rows); i++) {
      expand(wide, order, 65536 - (1 << i));
      round(wide, narrow, order);
    }
    for (let i = 0; i < order; i++) out[i] = narrow[i]! / 4096;
  }
}

function cosineAt(index: number): number {
  return index <= 64 ? COSINE[index]! : -COSINE[128 - index]!;
}

/** The product of (1 - c z + z^2) over every second c from `first` on; half of it, as it is symmetric. Q16 */
function product(doubled: Int32Array, order: number, first: number, polynomial: Int32Array): void {
  const half = order / 2;
  polynomial[0] = 65536;
  polynomial[1] = -doubled[first]!;
  for (let i = 1; i < half; i++) {
    const c = doubled[2 * i + first]!;
    polynomial[i + 1] = 2 * polynomial[i - 1]! - roundShift(c * polynomial[i]!);
    for (let j = i; j > 1; j--)
      polynomial[j] = polynomial[j]! + polynomial[j - 2]! - roundShift(c * polynomial[j - 1]!);
    polynomial[1] = polynomial[1]! - c;
  }
}

/**
 * To 16 bits. Coefficients that do not fit are scaled down together; like ffmpeg, only the first one is looked at (the
 * others wrap).
 */
function limit(wide: Int32Array, narrow: Int16Array, order: number): void {
  for (let i = 0; i < 10; i++) {
    const first = Math.min((Math.abs(wide[0]!) + 16) >> 5, 163838);
    if (first <= 32767) {
      round(wide, narrow, order);
      return;
    }
    expand(wide, order, 65470 - Math.trunc(((first - 32767) << 14) / (first >> 2)));
  }
  for (let i = 0; i < order; i++) {
    narrow[i] = Math.min(Math.max((wide[i]! + 16) >> 5, -32768), 32767);
    wide[i] = narrow[i]! << 5;
  }
}

function round(wide: Int32Array, narrow: Int16Array, order: number): void {
  for (let i = 0; i < order; i++) narrow[i] = (wide[i]! + 16) >> 5;
}

/** Moves the poles inwards: coefficient i shrinks by `factor` (Q16) to the power of i + 1. */
function expand(wide: Int32Array, order: number, factor: number): void {
  let power = factor;
  for (let i = 0; i < order; i++) {
    wide[i] = roundShift(wide[i]! * power);
    power = Math.floor((factor * power + 32768) / 65536);
  }
}

/** a * 2^-16, rounded half up; exact up to 2^53. */
function roundShift(value: number): number {
  return Math.floor(value / 65536 + 0.5);
}

/**
 * Whether the inverse prediction gain, by the backward Levinson recursion in the RFC's integers, is large enough.
 *
 * @param rows two of the recursion, for use; shape [2][order] or more
 */
function isStable(narrow: Int16Array, order: number, rows: readonly [Int32Array, Int32Array]): boolean {
  let [row, next] = rows;
  let total = 0;
  for (let i = 0; i < order; i++) {
    total += narrow[i]!;
    row[i] = narrow[i]! * 4096; // Q24
  }
  if (total >= 4096) return false;
  let inverseGain = 2 ** 30; // Q30
  for (let k = order - 1; ; k--) {
    if (Math.abs(row[k]!) > 16773022) return false; // 0.99975
    const reflection = -row[k]! * 128; // Q31
    const divisor = 2 ** 30 - multiplyShift(reflection, reflection, 32); // Q30
    inverseGain = multiplyShift(inverseGain, divisor, 32) * 4;
    if (k === 0) return inverseGain >= MIN_INVERSE_GAIN;
    const nBits = 32 - Math.clz32(divisor);
    const rough = Math.trunc((2 ** 29 - 1) / (divisor >> (nBits - 15)));
    const error = 2 ** 29 - multiplyShift(divisor * 2 ** (31 - nBits), rough, 16); // Q29
    const gain = rough * 65536 + ((error * rough) >> 13);
    const unit = 2 ** -nBits;
    for (let j = 0; j < k; j++) {
      const value = row[j]! - roundMultiply(row[k - 1 - j]!, reflection, 2 ** -31);
      next[j] = roundMultiply(value, gain, unit);
    }
    [row, next] = [next, row];
  }
}

/** a b 2^-shift, rounded down, exact for 32-bit integers and a shift of 16 or more: `a` is taken in two halves. */
function multiplyShift(a: number, b: number, shift: number): number {
  const high = Math.floor(a / 65536);
  const low = a - high * 65536;
  return Math.floor((high * b + Math.floor((low * b) / 65536)) / 2 ** (shift - 16));
}

/**
 * a b `unit`, rounded half up, exact for products below 2^70 and units of 2^-32 or more: the product as V8 rounds it is near
 * enough for its high half, since the low half is known exactly.
 */
function roundMultiply(a: number, b: number, unit: number): number {
  const low = Math.imul(a, b) >>> 0;
  const high = Math.floor((a * b - low) * 2 ** -32 + 0.5);
  return high * (2 ** 32 * unit) + Math.floor(low * unit + 0.5);
}
