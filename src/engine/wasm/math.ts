/**
 * Functions of four f32 at a time, emitted in line. Each states its method and its error.
 *
 * Constants are locals of the function (`f.splat`), set before its loops. `pmax` is one instruction where `max` takes
 * several; additions of 1.5 * 2^23 round to an integer where `nearest` would keep V8 from pairing two vectors into one of
 * 256 bits.
 */

import type { Local } from './expression.ts';
import type { FunctionBuilder } from './function.ts';
import { type F32, i32 } from './scalar.ts';
import { f32x4, i8x16, i32x4, type V128, v128 } from './simd.ts';
import type { WasmFeatures } from './variant.ts';

/** a * b + c, rounded once where the engine may. */
export function madd(features: WasmFeatures, a: V128, b: V128, c: V128): V128 {
  return features.relaxedSimd ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/**
 * To the nearest whole number, ties to even, as an integer; |x| < 2^22. By an addition to 1.5 * 2^23, whose last bits are then
 * the number's: `trunc_sat` takes several instructions.
 */
export function nearestInteger(f: FunctionBuilder, x: V128): V128 {
  return i32x4.sub(f32x4.add(x, f.splat(12582912)), f.splatInt(0x4b400000));
}

/** c[0] x^n + c[1] x^(n-1) + ... by Horner's rule. */
function horner(f: FunctionBuilder, features: WasmFeatures, x: V128, coefficients: readonly number[]): V128 {
  let value: V128 = f.splat(coefficients[0]!);
  for (const c of coefficients.slice(1)) value = madd(features, value, x, f.splat(c));
  return value;
}

/**
 * exp(x) for x <= 88. Relative error 1e-7; below -80 it stays at exp(-80) = 1.8e-35, so that products with it are still
 * normal numbers: one that is not costs the processor some 150 cycles.
 * x = n ln 2 + r, |r| <= ln 2 / 2; exp(r) by Cephes' expf polynomial; 2^n by an addition to the exponent's bits.
 */
export function exp(f: FunctionBuilder, features: WasmFeatures, x: V128): V128 {
  const toInteger = f.splat(12582912); // 1.5 * 2^23
  const clamped = f.let(f32x4.pmax(x, f.splat(-80)));
  const shifted = f.let(madd(features, clamped, f.splat(Math.LOG2E), toInteger));
  const n = f.let(f32x4.sub(shifted, toInteger));
  const high = madd(features, n, f.splat(-0.693359375), clamped);
  const r = f.let(madd(features, n, f.splat(2.1219444e-4), high));
  const p = horner(
    f,
    features,
    r,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  );
  const mantissa = f32x4.add(madd(features, p, f32x4.mul(r, r), r), f.splat(1));
  return i32x4.add(mantissa, i32x4.shl(shifted, i32.const(23)));
}

/**
 * x/2 erfc(-x / sqrt 2). Absolute error 5e-7.
 * erfc(z) = t (a1 + t (a2 + ...)) exp(-z^2), t = 1 / (1 + p z), z >= 0: Abramowitz, Stegun 7.1.26. Negative x use erfc
 * itself, so nothing cancels.
 */
export function gelu(f: FunctionBuilder, features: WasmFeatures, x: Local<'v128'>): V128 {
  const one = f.splat(1);
  const z = f.let(f32x4.mul(f32x4.abs(x), f.splat(Math.SQRT1_2)));
  const t = f.let(f32x4.div(one, madd(features, z, f.splat(0.3275911), one)));
  const polynomial = horner(f, features, t, [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]);
  const tail = f.let(f32x4.mul(f32x4.mul(polynomial, t), f.splat(0.5)));
  const half = f.let(f32x4.mul(tail, exp(f, features, f32x4.neg(f32x4.mul(z, z))))); // erfc(z) / 2
  const isPositive = f32x4.ge(x, f.splat(0));
  return f32x4.mul(x, v128.bitselect(f32x4.sub(one, half), half, isPositive));
}

/**
 * Natural logarithm of positive normal numbers. Relative error 2e-7 away from 1, absolute 1e-7 near it.
 * x = m 2^e with m in [sqrt(1/2), sqrt 2): Cephes' logf.
 */
export function log(f: FunctionBuilder, features: WasmFeatures, x: V128): V128 {
  const bits = f.let(x);
  // Subtracting the bits of sqrt(1/2) makes the exponent's step fall there.
  const fromHalf = f.let(i32x4.sub(bits, f.splatInt(0x3f3504f3)));
  const e = f.let(f32x4.convert_i32x4_s(i32x4.shr_s(fromHalf, i32.const(23))));
  const mantissa = i32x4.add(v128.and(fromHalf, f.splatInt(0x7fffff)), f.splatInt(0x3f3504f3));
  const m = f.let(f32x4.sub(mantissa, f.splat(1)));
  const square = f.let(f32x4.mul(m, m));
  const p = horner(
    f,
    features,
    m,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const cubic = f32x4.mul(f32x4.mul(p, m), square);
  const low = f.let(madd(features, e, f.splat(-2.1219444e-4), cubic));
  const sum = f32x4.add(madd(features, square, f.splat(-0.5), low), m);
  return madd(features, e, f.splat(0.693359375), sum);
}

const swapHalves = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const swapPairs = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];

/** The sum of the four lanes, in all lanes. */
export function sumOfLanes(f: FunctionBuilder, x: V128): Local<'v128'> {
  const a = f.let(x);
  const b = f.let(f32x4.add(a, i8x16.shuffle(a, a, swapHalves)));
  return f.let(f32x4.add(b, i8x16.shuffle(b, b, swapPairs)));
}

/** The sum of four integers, modulo 2^32, in all lanes. */
export function sumOfIntegers(f: FunctionBuilder, x: V128): Local<'v128'> {
  const a = f.let(x);
  const b = f.let(i32x4.add(a, i8x16.shuffle(a, a, swapHalves)));
  return f.let(i32x4.add(b, i8x16.shuffle(b, b, swapPairs)));
}

/** The largest of the four lanes, in all lanes. */
export function maxOfLanes(f: FunctionBuilder, x: V128): Local<'v128'> {
  const a = f.let(x);
  const b = f.let(f32x4.pmax(a, i8x16.shuffle(a, a, swapHalves)));
  return f.let(f32x4.pmax(b, i8x16.shuffle(b, b, swapPairs)));
}

/** The sum of four integers, in all lanes. */
export function sumOfIntegerLanes(f: FunctionBuilder, x: V128): V128 {
  const a = f.let(x);
  const b = f.let(i32x4.add(a, i8x16.shuffle(a, a, swapHalves)));
  return i32x4.add(b, i8x16.shuffle(b, b, swapPairs));
}

/** Lane 0. */
export function first(x: V128): F32 {
  return f32x4.extract_lane(x, 0);
}
