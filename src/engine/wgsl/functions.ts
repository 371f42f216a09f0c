/** Text that several WGSL kernels share: literals, reductions over a workgroup, and a few functions that WGSL lacks. */
import type { Feature } from './features.ts';

/** A number as an f32 literal. */
export function f32(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** Where a running maximum starts: shaders may not name an infinity. */
export const LOWEST = '-3.4e38f';

/**
 * `fn NAME(value: TYPE, i: u32) -> TYPE`: combines the values of all threads of a workgroup, for all of them; i is the
 * local invocation index. Twice sixteen-fold instead of by halves: two barriers in place of one a halving, which costs
 * less on hardware, and compiles in a tenth of the time on software adapters, where each barrier cuts the code in two.
 *
 * @param combine an expression of `a` and `b`
 */
export function groupReduce(name: string, threads: number, type: string, combine: string): string {
  return /* wgsl */ `
var<workgroup> ${name}All: array<${type}, ${threads}>;
var<workgroup> ${name}Few: array<${type}, 16>;
fn ${name}Of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(value: ${type}, i: u32) -> ${type} {
  ${name}All[i] = value;
  workgroupBarrier();
  if (i < 16u) {
    var sixteenth = ${name}All[i];
    for (var s = i + 16u; s < ${threads}u; s += 16u) { sixteenth = ${name}Of(sixteenth, ${name}All[s]); }
    ${name}Few[i] = sixteenth;
  }
  workgroupBarrier();
  var whole = ${name}Few[0];
  for (var s = 1u; s < 16u; s++) { whole = ${name}Of(whole, ${name}Few[s]); }
  return whole;
}
`;
}

/** What `groupReduceSubgroups` needs of a device. */
export const SUBGROUP_NEEDS = ['subgroups', 'subgroup_id'] as const satisfies readonly Feature[];

/** Sizes of subgroups that WebGPU allows begin here. */
const SMALLEST_SUBGROUP = 4;

/**
 * `fn NAME(value: TYPE, subgroup: u32, subgroups: u32) -> TYPE`: as `groupReduce`, through subgroups of any size, which need
 * not be neighbours in the workgroup. One barrier before and one after what crosses workgroup memory.
 *
 * @param threads a multiple of every size of subgroup, so 128 or a multiple of it
 * @param within the builtin function that combines a subgroup's values: `subgroupAdd`
 * @param combine the same as an expression of `a` and `b`
 */
export function groupReduceSubgroups(
  name: string,
  threads: number,
  type: string,
  within: string,
  combine: string,
): string {
  return /* wgsl */ `
var<workgroup> ${name}Each: array<${type}, ${threads / SMALLEST_SUBGROUP}>;
fn ${name}Of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(value: ${type}, subgroup: u32, subgroups: u32) -> ${type} {
  let part = ${within}(value);
  workgroupBarrier();
  if (subgroupElect()) { ${name}Each[subgroup] = part; }
  workgroupBarrier();
  var whole = ${name}Each[0];
  for (var s = 1u; s < subgroups; s++) { whole = ${name}Of(whole, ${name}Each[s]); }
  return whole;
}
`;
}

/** Is (a, aId) before (b, bId): the larger value, ties to the lower id, `noToken` (the highest id) last of all. */
export const isBetterText = /* wgsl */ `
fn isBetter(a: f32, aId: u32, b: f32, bId: u32) -> bool {
  if (aId == 0xffffffffu) { return false; }
  return bId == 0xffffffffu || a > b || (a == b && aId < bId);
}
`;

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
