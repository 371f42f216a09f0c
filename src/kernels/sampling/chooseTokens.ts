/**
 * Second half of choosing tokens: merges the chunks of a row, lets timestamps win when their sum outweighs the best text
 * token, and gives the `perRow` best ids with their log-probabilities.
 *
 * logits: [rows, nVocab]; rules: rowState.ts; stats, bestIds: from logitChunks.ts; ids, logprobs: [rows, perRow], best
 * first, ties to the lower id; `noToken` and MASKED where nothing more is allowed; `nonFiniteToken` and 0 in the whole row
 * when a logit is NaN or infinite.
 *
 *   timestamps only, if log sum exp(timestamps) > max(text);  log-probability = logit - log sum exp(what is left)
 *
 * @see openai/whisper, whisper/decoding.py, ApplyTimestampRules
 */

import type {
  CpuCaps,
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { kernelFunction } from '../../engine/wasm/signature.ts';
import { f32, groupReduce, isBetterText } from '../../engine/wgsl.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { emitChooseTokens } from './chooseTokens.wasm.ts';
import { chunkCount, chunkIds, chunkRange, nonFiniteToken, noToken } from './decodeState.ts';

export const chooseTokens = {
  name: 'chooseTokens',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    rules: { access: 'read', dtype: 'u32', dims: [8] },
    stats: { access: 'read', dtype: 'f32', dims: ['rows', 'chunks', 4] },
    bestIds: { access: 'read', dtype: 'u32', dims: ['rows', 'chunks', 'perRow'] },
    ids: { access: 'write', dtype: 'u32', dims: ['rows', 'perRow'] },
    logprobs: { access: 'write', dtype: 'f32', dims: ['rows', 'perRow'] },
  },
  params: {},
  cost: (d) => ({ flops: 20 * d.rows! * d.chunks! * d.perRow!, bytes: 4 * d.rows! * d.chunks! * (4 + d.perRow!) }),
  gpu: [
    {
      // One workgroup a row. All chunks' figures and candidates are put in workgroup memory; each thread adds up the
      // figures by itself, in the same order, and takes candidates i, i + 64, ...
      name: 'groupPerRow',
      suits: 'hardware',
      when: (c) => c.dims.chunks! * (12 + 8 * c.dims.perRow!) <= 14 * 1024,
      groups: (_c, liveRows) => [liveRows, 1, 1],
      wgsl: (c) => {
        const { nVocab, chunks, perRow } = c.dims;
        const candidates = chunks! * perRow!;
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
// Is candidate a before candidate b?
fn isBefore(a: u32, b: u32) -> bool {
  return isBetter(candidateValues[a], candidateIds[a], candidateValues[b], candidateIds[b]);
}
${groupReduce('first', 64, 'u32', 'select(a, b, isBefore(b, a))')}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = group.x;
  for (var chunk = i; chunk < ${chunks}u; chunk += 64u) {
    let at = (row * ${chunks}u + chunk) * 4u;
    tops[chunk] = stats[at];
    sums[chunk] = stats[at + 1u];
    marks[chunk] = stats[at + 2u];
  }
  workgroupBarrier();
  let choice = choose(row);
  for (var c = i; c < ${candidates}u; c += 64u) {
    var id = bestIds[row * ${candidates}u + c];
    if (c / ${perRow}u < choice.first) { id = ${noToken}u; }
    candidateIds[c] = id;
    candidateValues[c] = logits[row * ${nVocab}u + min(id, ${nVocab! - 1}u)];
  }
  for (var rank = 0u; rank < ${perRow}u; rank++) {
    workgroupBarrier();
    var best = min(i, ${candidates! - 1}u);
    for (var c = i; c < ${candidates}u; c += 64u) {
      if (isBefore(c, best)) { best = c; }
    }
    let winner = first(best, i);
    if (i == 0u) {
      put(row, rank, candidateIds[winner], candidateValues[winner], choice);
      candidateIds[winner] = ${noToken}u;
    }
  }
}`;
      },
    },
    {
      // One thread a row. Each round looks for the best candidate that comes after the last one taken.
      name: 'threadPerRow',
      suits: 'software',
      groups: (_c, liveRows) => [liveRows, 1, 1],
      wgsl: (c) => {
        const { nVocab, chunks, perRow } = c.dims;
        return /* wgsl */ `
fn chunkTop(row: u32, chunk: u32) -> f32 { return stats[(row * ${chunks}u + chunk) * 4u]; }
fn chunkSum(row: u32, chunk: u32) -> f32 { return stats[(row * ${chunks}u + chunk) * 4u + 1u]; }
fn chunkMark(row: u32, chunk: u32) -> f32 { return stats[(row * ${chunks}u + chunk) * 4u + 2u]; }
${choiceOf(c)}
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let row = group.x;
  let choice = choose(row);
  var last = ${noToken}u;
  var lastValue = 0f;
  for (var rank = 0u; rank < ${perRow}u; rank++) {
    var best = ${noToken}u;
    var bestValue = 0f;
    for (var i = choice.first * ${perRow}u; i < ${chunks! * perRow!}u; i++) {
      let id = bestIds[row * ${chunks! * perRow!}u + i];
      let value = logits[row * ${nVocab}u + min(id, ${nVocab! - 1}u)];
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
  ],
  // A unit is a row.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

/** From a row's chunk figures: where its allowed chunks begin, log sum exp of what they hold, and if it is finite. */
function choiceOf({ dims: { chunks, perRow } }: KernelContext): string {
  return /* wgsl */ `
${isBetterText}
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
  let textChunks = min((rules[1] + ${chunkIds - 1}u) / ${chunkIds}u, ${chunks}u);
  let timestampsWin = rules[3] != 0u && logSumOf(row, textChunks, ${chunks}u) > topOf(row, 0u, textChunks);
  var isFinite = true;
  for (var chunk = 0u; chunk < ${chunks}u; chunk++) { isFinite = isFinite && chunkMark(row, chunk) == 0f; }
  let first = select(0u, textChunks, timestampsWin);
  return Choice(first, logSumOf(row, first, ${chunks}u), isFinite);
}
fn put(row: u32, rank: u32, id: u32, value: f32, choice: Choice) {
  let at = row * ${perRow}u + rank;
  ids[at] = select(${nonFiniteToken}u, id, choice.isFinite);
  let logprob = select(value - choice.logSum, ${f32(MASKED)}, id == ${noToken}u);
  logprobs[at] = select(0f, logprob, choice.isFinite);
}`;
}

function emitRows(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const f = kernelFunction(w, chooseTokens);
  emitChooseTokens(w, f, c, caps);
  return f;
}

export const reference: Reference = (
  { logits, rules, stats, bestIds, ids, logprobs },
  { nVocab, chunks, perRow },
  _params,
  liveRows,
) => {
  const textChunks = Math.ceil(rules![1]! / chunkIds);
  for (let row = 0; row < liveRows; row++) {
    const stat = (chunk: number, column: number): number => stats![(row * chunks! + chunk) * 4 + column]!;
    const range = (begin: number, end: number): { max: number; logSum: number } => {
      let max = MASKED;
      for (let c = begin; c < end; c++) max = Math.max(max, stat(c, 0));
      let sum = 0;
      for (let c = begin; c < end; c++) sum += stat(c, 1) * Math.exp(stat(c, 0) - max);
      return { max, logSum: sum > 0 ? max + Math.log(sum) : MASKED };
    };
    const timestampsOn = rules![3] !== 0;
    const timestampsWin = timestampsOn && range(textChunks, chunks!).logSum > range(0, textChunks).max;
    const first = timestampsWin ? textChunks : 0;
    const { logSum } = range(first, chunks!);
    let nonFinite = false;
    const candidates: number[] = [];
    for (let c = 0; c < chunks!; c++) {
      if (stat(c, 2) !== 0) nonFinite = true;
      for (let i = 0; i < perRow!; i++) {
        const id = bestIds![(row * chunks! + c) * perRow! + i]!;
        if (c >= first && id !== noToken) candidates.push(id);
      }
    }
    const value = (id: number): number => logits![row * nVocab! + id]!;
    candidates.sort((a, b) => value(b) - value(a) || a - b);
    for (let i = 0; i < perRow!; i++) {
      const id = candidates[i];
      const at = row * perRow! + i;
      ids![at] = nonFinite ? nonFiniteToken : (id ?? noToken);
      logprobs![at] = nonFinite ? 0 : id === undefined ? MASKED : value(id) - logSum;
    }
  }
};

const timestampBegin = 2002;

/** Stats and best ids that belong to these logits, as logitChunks makes them with nothing forbidden. */
function consistent(perRow: number, nonFiniteChunk?: number): Required<KernelCase>['fill'] {
  const each = (
    d: KernelCase['dims'],
    random: () => number,
    visit: (at: number, begin: number, end: number, allowed: boolean, value: (id: number) => number) => void,
  ): void => {
    const rows = d.rows!;
    for (let row = 0; row < rows; row++)
      for (let chunk = 0; chunk < d.chunks!; chunk++) {
        const [begin, end] = chunkRange(chunk, timestampBegin, d.nVocab!);
        // Row 3 has no timestamp allowed, row 4 no text.
        const text = begin < timestampBegin;
        visit(row * d.chunks! + chunk, begin, end, !((row === 3 && !text) || (row === 4 && text)), (id) =>
          logitOf(row, id),
        );
      }
    random();
  };
  return {
    logits: (x, d) => {
      for (let row = 0; row < d.rows!; row++)
        for (let id = 0; id < d.nVocab!; id++) x[row * d.nVocab! + id] = logitOf(row, id);
    },
    rules: (rules) => rules.set([2000, timestampBegin, 0, 1, noToken, 0, 0, 0]),
    stats: (stats, d, random) =>
      each(d, random, (at, begin, end, allowed, value) => {
        let max = MASKED;
        let sum = 0;
        if (allowed) {
          for (let id = begin; id < end; id++) max = Math.max(max, value(id));
          for (let id = begin; id < end; id++) sum += Math.exp(value(id) - max);
        }
        stats.set([max, sum, at === nonFiniteChunk ? 1 : 0, 0], at * 4);
      }),
    bestIds: (best, d, random) =>
      each(d, random, (at, begin, end, allowed, value) => {
        const order = allowed ? Array.from({ length: end - begin }, (_, i) => begin + i) : [];
        order.sort((a, b) => value(b) - value(a) || a - b);
        for (let i = 0; i < perRow; i++) best[at * perRow + i] = order[i] ?? noToken;
      }),
  };
}

/** Few distinct values, so that ties abound; row 1 weighs its timestamps up, row 2 has one best text. */
function logitOf(row: number, id: number): number {
  const base = ((id * 2654435761 + row * 40503) >>> 20) % 7;
  if (row === 1 && id >= timestampBegin) return base + 4;
  if (row === 2 && id === 77) return 30;
  return base;
}

function sizes(rows: number, nVocab: number, perRow: number, more?: Partial<KernelCase>): KernelCase {
  return { dims: { rows, nVocab, chunks: chunkCount(nVocab), perRow }, fill: consistent(perRow), ...more };
}

export const cases: readonly KernelCase[] = [
  sizes(1, 2042, 1),
  sizes(5, 2042, 1, { note: 'text, timestamps, one best, no timestamps, no text' }),
  sizes(5, 2042, 6, { note: 'ties to the lower id' }),
  sizes(5, 2042, 2, { fill: consistent(2, 1), note: 'a non-finite chunk spoils its row' }),
  sizes(8, 3503, 3, { liveRows: 5 }),
  sizes(6, 51865, 6, { bench: true, note: 'real size' }),
];

export const tolerance = (): Tolerance => ({ absolute: 2e-5, relative: 0 });
