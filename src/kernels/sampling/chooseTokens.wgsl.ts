import type { KernelContext } from '../../engine/variant.ts';
import { f32, isBetterText } from '../../engine/wgsl/functions.ts';
import { byMemory } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { NO_TOKEN, NON_FINITE_TOKEN, RULE_STATE, RULES } from './decodeState.ts';
import { STATS, textChunksText } from './vocabularyChunks.ts';

type Dims = 'nVocab' | 'chunks' | 'perRow';

export const variants: readonly WgslVariant<Dims>[] = [
  {
    // One workgroup a row. All chunks' figures and candidates are put in workgroup memory; each thread adds up the
    // figures by itself, in the same order, and takes candidates i, i + 64, ...
    name: 'groupPerRow',
    suits: 'hardware',
    when: (c) => c.dims.chunks * (12 + 8 * c.dims.perRow) <= 14 * 1024,
    groups: (_c, liveRows) => [liveRows, 1, 1],
    reduces: true,
    wgsl: (c, _gpu, by = byMemory) => {
      const { nVocab, chunks, perRow } = c.dims;
      const stat = STATS.wgsl('stats', `row * ${chunks}u + chunk`);
      const candidates = chunks * perRow;
      return /* wgsl */ `
var<workgroup> tops: array<f32, ${chunks}>;
var<workgroup> sums: array<f32, ${chunks}>;
var<workgroup> marks: array<f32, ${chunks}>;
var<workgroup> candidateIds: array<u32, ${candidates}>;
var<workgroup> candidateValues: array<f32, ${candidates}>;
fn chunkTop(row: u32, chunk: u32) -> f32 { return tops[chunk]; }
fn chunkSum(row: u32, chunk: u32) -> f32 { return sums[chunk]; }
fn chunkMark(row: u32, chunk: u32) -> f32 { return marks[chunk]; }
${choiceOf(c)}
fn isBefore(a: u32, b: u32) -> bool {
  return isBetter(candidateValues[a], candidateIds[a], candidateValues[b], candidateIds[b]);
}
${by.team('first', 64, { type: 'u32', combine: 'select(a, b, isBefore(b, a))' })}
${by.main(
  64,
  `  let row = group.x;
  for (var chunk = thread; chunk < ${chunks}u; chunk += 64u) {
    tops[chunk] = ${stat.max};
    sums[chunk] = ${stat.sum};
    marks[chunk] = ${stat.nonFinite};
  }
  workgroupBarrier();
  let choice = choose(row);
  for (var c = thread; c < ${candidates}u; c += 64u) {
    var id = bestIds[row * ${candidates}u + c];
    if (c / ${perRow}u < choice.first) { id = ${NO_TOKEN}u; }
    candidateIds[c] = id;
    candidateValues[c] = logits[row * ${nVocab}u + min(id, ${nVocab - 1}u)];
  }
  for (var rank = 0u; rank < ${perRow}u; rank++) {
    workgroupBarrier();
    var best = min(thread, ${candidates - 1}u);
    for (var c = thread; c < ${candidates}u; c += 64u) {
      if (isBefore(c, best)) { best = c; }
    }
    let winner = first(best, thread);
    if (thread == 0u) {
      put(row, rank, candidateIds[winner], candidateValues[winner], choice);
      candidateIds[winner] = ${NO_TOKEN}u;
    }
  }`,
)}`;
    },
  },
  {
    // One thread a row. Each round looks for the best candidate that comes after the last one taken.
    name: 'threadPerRow',
    suits: 'software',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: (c) => {
      const { nVocab, chunks, perRow } = c.dims;
      const stat = STATS.wgsl('stats', `row * ${chunks}u + chunk`);
      return /* wgsl */ `
fn chunkTop(row: u32, chunk: u32) -> f32 { return ${stat.max}; }
fn chunkSum(row: u32, chunk: u32) -> f32 { return ${stat.sum}; }
fn chunkMark(row: u32, chunk: u32) -> f32 { return ${stat.nonFinite}; }
${choiceOf(c)}
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let row = group.x;
  let choice = choose(row);
  var last = ${NO_TOKEN}u;
  var lastValue = 0f;
  for (var rank = 0u; rank < ${perRow}u; rank++) {
    var best = ${NO_TOKEN}u;
    var bestValue = 0f;
    for (var i = choice.first * ${perRow}u; i < ${chunks * perRow}u; i++) {
      let id = bestIds[row * ${chunks * perRow}u + i];
      let value = logits[row * ${nVocab}u + min(id, ${nVocab - 1}u)];
      let isNew = rank == 0u || isBetter(lastValue, last, value, id);
      if (isNew && isBetter(value, id, bestValue, best)) {
        best = id;
        bestValue = value;
      }
    }
    put(row, rank, best, bestValue, choice);
    last = best;
    lastValue = bestValue;
  }
}`;
    },
  },
];

/** From a row's chunk figures: where its allowed chunks begin, log sum exp of what they hold, and if it is finite. */
function choiceOf({ dims: { chunks, perRow } }: KernelContext<Dims>): string {
  const rules = RULES.wgsl('rules', RULE_STATE.wgsl('ruleState', 'row').set);
  return /* wgsl */ `
${isBetterText}
${textChunksText}
struct Choice { first: u32, logSum: f32, isFinite: bool }
fn topOf(row: u32, begin: u32, end: u32) -> f32 {
  var top = ${f32(MASKED)};
  for (var chunk = begin; chunk < end; chunk++) { top = max(top, chunkTop(row, chunk)); }
  return top;
}
fn logSumOf(row: u32, begin: u32, end: u32) -> f32 {
  let top = topOf(row, begin, end);
  var sum = 0f;
  for (var chunk = begin; chunk < end; chunk++) { sum += chunkSum(row, chunk) * exp(chunkTop(row, chunk) - top); }
  return select(${f32(MASKED)}, top + log(max(sum, 1e-30f)), sum > 0f);
}
fn choose(row: u32) -> Choice {
  let textChunks = min(textChunkCount(row), ${chunks}u);
  let timestampsWin = ${rules.hasTimestamps} != 0u && logSumOf(row, textChunks, ${chunks}u) > topOf(row, 0u, textChunks);
  var isFinite = true;
  for (var chunk = 0u; chunk < ${chunks}u; chunk++) { isFinite = isFinite && chunkMark(row, chunk) == 0f; }
  let first = select(0u, textChunks, timestampsWin);
  return Choice(first, logSumOf(row, first, ${chunks}u), isFinite);
}
fn put(row: u32, rank: u32, id: u32, value: f32, choice: Choice) {
  let at = row * ${perRow}u + rank;
  ids[at] = select(${NON_FINITE_TOKEN}u, id, choice.isFinite);
  let logprob = select(value - choice.logSum, ${f32(MASKED)}, id == ${NO_TOKEN}u);
  logprobs[at] = select(0f, logprob, choice.isFinite);
}`;
}
