/** WGSL: which ids the rules allow, one at a time, as `allowedIds` of rules/logitRules.ts has it. */
import { RULE_STATE, RULES } from './decodeState.ts';

/**
 * For shaders that bind `rules`, `masks` and `ruleState`:
 *
 *   fn allowedRange(row, isText, begin, end) -> vec2u   what the timestamp rules leave of the ids from `begin` up to `end`, all of them text
 *                                                       or all of them timestamps
 *   fn isFirstToken(row) -> bool, fn firstMaskOf(row) -> u32
 *   fn isAllowed(id, range, isFirst, firstMask) -> bool  is it in the range, and no mask forbids it?
 *   fn isNonFinite(x) -> bool
 */
export function allowedIdsText(maskWords: number): string {
  const state = RULE_STATE.wgsl('ruleState', 'row');
  const rules = RULES.wgsl('rules', state.set);
  return /* wgsl */ `
fn allowedRange(row: u32, isText: bool, begin: u32, end: u32) -> vec2u {
  if (${rules.hasTimestamps} == 0u) { return vec2u(begin, end); }
  let isFirst = ${state.sampled} == 0u;
  let isLast = ${state.lastIsTimestamp} != 0u;
  let isPairOpen = isLast && ${state.penultimateIsTimestamp} == 0u;
  var low = begin;
  var high = end;
  if (isText) {
    if (isPairOpen) { low = max(low, ${rules.eot}); }
    if (isFirst) { high = begin; }
    if (isLast && !isPairOpen && ${state.sampled} > 1u && ${state.lastTimestamp} <= ${state.noEndBefore}) {
      high = min(high, ${rules.eot});
    }
  } else {
    if (${state.lastTimestamp} != 0u) { low = max(low, ${state.lastTimestamp} - select(0u, 1u, isPairOpen)); }
    if (isLast && !isPairOpen) { high = begin; }
    if (isFirst && ${rules.initialEnd} != 0u) { high = min(high, ${rules.initialEnd}); }
  }
  return vec2u(low, high);
}
fn isFirstToken(row: u32) -> bool { return ${state.sampled} == 0u; }
fn firstMaskOf(row: u32) -> u32 { return ${state.set} * ${2 * maskWords}u; }
fn isAllowed(id: u32, range: vec2u, isFirst: bool, firstMask: u32) -> bool {
  var mask = masks[firstMask + id / 32u];
  if (isFirst) { mask |= masks[firstMask + ${maskWords}u + id / 32u]; }
  return id >= range.x && id < range.y && ((mask >> (id % 32u)) & 1u) == 0u;
}
// By bits: shaders may take it for granted that there is no NaN.
fn isNonFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }`;
}
