/** WGSL: the best ids of all rows from their summaries, in one workgroup. */
import { BEST, bestText, f32, isBetterText, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import type { Reducer } from '../../engine/wgsl/reducer.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { NO_TOKEN, NON_FINITE_TOKEN, RULE_STATE, RULES } from '../sampling/decodeState.ts';
import { perRowOf, SUMMARY, TILE } from './summaries.ts';

/** Threads of the workgroup. */
export const CHOOSERS = 256;

/**
 * `fn choose(thread: u32)`, for all threads of a workgroup: fills `ids` and `logprobs`, [rows, perRow] in workgroup memory, best first,
 * as chooseTokens.ts has it. For shaders that bind `summaries`, `rules` and `ruleState`. A team of threads a row.
 */
export function chooseText(
  {
    rows,
    entries,
    summaryWidth: width,
  }: {
    readonly rows: number;
    readonly entries: number;
    readonly summaryWidth: number;
  },
  by: Reducer,
): string {
  const perRow = perRowOf(width);
  const each = CHOOSERS / 2 ** Math.ceil(Math.log2(rows));
  const { index } = SUMMARY;
  const ruleSet = RULES.wgsl('rules', RULE_STATE.wgsl('ruleState', 'row').set);
  const eachEntry = `for (var entry = thread % ${each}u; entry < ${entries}u; entry += ${each}u)`;
  return /* wgsl */ `
${isBetterText}
${bestText}
// Maximum and sum of exp(logit - maximum): of text in x and y, of timestamps in z and w.
fn joined(a: vec4f, b: vec4f) -> vec4f {
  let top = max(a.xz, b.xz);
  let sum = a.yw * exp(a.xz - top) + b.yw * exp(b.xz - top);
  return vec4f(top.x, sum.x, top.y, sum.y);
}
fn logOf(top: f32, sum: f32) -> f32 { return select(${f32(MASKED)}, top + log(max(sum, 1e-30f)), sum > 0f); }
${by.team('rowSums', CHOOSERS, { type: 'vec4f', combine: 'joined(a, b)' }, each)}
${by.team('rowBest', CHOOSERS, { type: 'Best', fields: BEST, combine: 'better(a, b)' }, each)}
var<workgroup> nonFinite: array<atomic<u32>, ${CHOOSERS / each}>;
var<workgroup> ids: array<u32, ${rows * perRow}>;
var<workgroup> logprobs: array<f32, ${rows * perRow}>;
fn choose(thread: u32) {
  let row = min(thread / ${each}u, ${rows - 1}u);
  let hasTimestamps = ${ruleSet.hasTimestamps} != 0u;
  let firstStamps = select(${entries}u, (${ruleSet.timestampBegin} + ${TILE - 1}u) / ${TILE}u, hasTimestamps);
  let none = vec2f(${f32(MASKED)}, 0f);
  var sums = vec4f(none, none);
  ${eachEntry} {
    let at = (row * ${entries}u + entry) * ${width}u;
    let one = vec2f(summaries[at + ${index.max}u], summaries[at + ${index.sum}u]);
    sums = joined(sums, select(vec4f(one, none), vec4f(none, one), entry >= firstStamps));
    if (summaries[at + ${index.nonFinite}u] != 0f) { atomicStore(&nonFinite[thread / ${each}u], 1u); }
  }
  sums = rowSums(sums, thread);
  workgroupBarrier();
  let isFinite = atomicLoad(&nonFinite[thread / ${each}u]) == 0u;
  let stampsSum = logOf(sums.z, sums.w);
  let stampsWin = hasTimestamps && stampsSum > sums.x;
  let whole = joined(vec4f(sums.xy, none), vec4f(sums.zw, none));
  let logSum = select(logOf(whole.x, whole.y), stampsSum, stampsWin);
  // The best of this thread's entries, sorted.
${unroll(perRow, (r) => `  var best${r} = Best(${LOWEST}, ${NO_TOKEN}u);`)}
  ${eachEntry} {
    if (stampsWin && entry < firstStamps) { continue; }
    let at = (row * ${entries}u + entry) * ${width}u + ${SUMMARY.width}u;
    for (var rank = 0u; rank < ${perRow}u; rank++) {
      let id = summaries[at + 2u * rank];
      if (id < 0f) { break; }
      var down = Best(summaries[at + 2u * rank + 1u], u32(id));
      // Of an entry, none after one that is not good enough.
      if (!isBetter(down.value, down.id, best${perRow - 1}.value, best${perRow - 1}.id)) { break; }
${unroll(
  perRow,
  (r) => `      if (isBetter(down.value, down.id, best${r}.value, best${r}.id)) {
        let old = best${r};
        best${r} = down;
        down = old;
      }`,
)}
    }
  }
  for (var rank = 0u; rank < ${perRow}u; rank++) {
    // The best of all, whose owner gives it up.
    let winner = rowBest(best0, thread);
    if (winner.id == best0.id) {
${unroll(perRow - 1, (r) => `      best${r} = best${r + 1};`)}
      best${perRow - 1} = Best(${LOWEST}, ${NO_TOKEN}u);
    }
    if (thread % ${each}u == 0u && thread / ${each}u < ${rows}u) {
      let logprob = select(winner.value - logSum, ${f32(MASKED)}, winner.id == ${NO_TOKEN}u);
      ids[row * ${perRow}u + rank] = select(${NON_FINITE_TOKEN}u, winner.id, isFinite);
      logprobs[row * ${perRow}u + rank] = select(0f, logprob, isFinite);
    }
  }
  workgroupBarrier();
}`;
}
