/** Text that several WGSL kernels share: literals, and a few functions that WGSL lacks. */

/** A number as an f32 literal. */
export function f32(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** Where a running maximum starts: shaders may not name an infinity. */
export const LOWEST = '-3.4e38f';

/** Is (a, aId) before (b, bId): the larger value, ties to the lower id, `noToken` (the highest id) last of all. */
export const isBetterText = /* wgsl */ `
fn isBetter(a: f32, aId: u32, b: f32, bId: u32) -> bool {
  if (aId == 0xffffffffu) { return false; }
  return bId == 0xffffffffu || a > b || (a == b && aId < bId);
}
`;

/** A number and its id, with a reduction's idea of its fields; `better` of two, for shaders that have `isBetterText`. */
export const BEST = { value: 'f32', id: 'u32' };
export const bestText = /* wgsl */ `
struct Best { value: f32, id: u32 }
fn better(a: Best, b: Best) -> Best {
  if (isBetter(a.value, a.id, b.value, b.id)) { return a; }
  return b;
}`;

/** Lines of text, one for each of 0 .. count - 1: unrolls a loop whose indices must be constants. */
export function unroll(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join('\n');
}

/**
 * GELU in the erf form, x * 0.5 * erfc(-x / sqrt 2), for one f32 and for vec4f.
 *
 * erfc by Abramowitz and Stegun 7.1.26 on |x| (absolute error of GELU below 5e-7 on [-10, 10]); the polynomial times
 * exp is used as erfc itself on both sides, so that nothing cancels for x far below 0. The square stays below 88,
 * where exp would leave f32.
 */
export const gelu = /* wgsl */ `
fn gelu(x: f32) -> f32 {
  let z = min(abs(x) * 0.70710678f, 9f);
  let t = 1f / (1f + 0.3275911f * z);
  let half = 0.5f * ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t
    * exp(-z * z);
  return x * select(half, 1f - half, x > 0f);
}
fn gelu4(x: vec4f) -> vec4f {
  let z = min(abs(x) * 0.70710678f, vec4f(9f));
  let t = 1f / (1f + 0.3275911f * z);
  let half = 0.5f * ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t
    * exp(-z * z);
  return x * select(half, 1f - half, x > vec4f(0f));
}
`;
