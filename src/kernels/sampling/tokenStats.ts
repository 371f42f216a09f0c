/**
 * First half of choosing tokens: for each row and chunk of 1024 ids, after the rules that look at one id at a time, the
 * maximum, the sum of exp(logit - maximum), and the `perRow` best ids.
 *
 * logits: [rows, nVocab]; masks, rules, ruleState: rowState.ts. Chunks hold text ids or timestamp ids, never both
 * (rowState.ts, chunkRange), since the last rule weighs one kind against the other (chooseTokens.ts).
 * stats: [rows, chunks, 4]: maximum (MASKED when nothing is allowed), sum, 1 if a logit is NaN or infinite, 0.
 * bestIds: [rows, chunks, perRow], best first, ties to the lower id, `noToken` where there is no further allowed id.
 * @see numeric/logitRules.ts, applyRules
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
import { f32, groupReduce, isBetterText, LOWEST, unroll } from '../../engine/wgsl.ts';
import { MASKED } from '../../rules/logitRules.ts';
import {
  chunkCount,
  chunkIds,
  chunkRange,
  decodeRuleState,
  isAllowed,
  maskWords,
  noToken,
  ruleStateWidth,
} from './decodeState.ts';
import { emitLogitChunks } from './tokenStats.wasm.ts';

export const logitChunks = {
  name: 'logitChunks',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    masks: { access: 'read', dtype: 'u32', dims: [2, 'maskWords'] },
    rules: { access: 'read', dtype: 'u32', dims: [8] },
    ruleState: { access: 'read', dtype: 'u32', dims: ['rows', 8] },
    stats: { access: 'write', dtype: 'f32', dims: ['rows', 'chunks', 4] },
    bestIds: { access: 'write', dtype: 'u32', dims: ['rows', 'chunks', 'perRow'] },
  },
  params: {},
  check: (d) =>
    d.chunks !== chunkCount(d.nVocab!)
      ? `${d.nVocab} ids are ${chunkCount(d.nVocab!)} chunks, not ${d.chunks}`
      : d.maskWords === maskWords(d.nVocab!)
        ? undefined
        : `${d.nVocab} ids need ${maskWords(d.nVocab!)} mask words, not ${d.maskWords}`,
  cost: (d) => ({ flops: 6 * d.rows! * d.nVocab!, bytes: 4 * d.rows! * d.nVocab! }),
  gpu: [
    {
      // One workgroup a chunk and row; thread i takes ids i, i + 256, i + 512 and i + 768 of the chunk.
      name: 'groupPerChunk',
      suits: 'hardware',
      groups: (c, liveRows) => [c.dims.chunks!, liveRows, 1],
      wgsl: (c) => /* wgsl */ `
${chunkFunctions(c)}
struct Best { value: f32, id: u32 }
${groupReduce('highest', 256, 'f32', 'max(a, b)')}
${groupReduce('total', 256, 'f32', 'a + b')}
${groupReduce('best', 256, 'Best', 'better(a, b)')}
fn better(a: Best, b: Best) -> Best {
  if (isBetter(a.value, a.id, b.value, b.id)) { return a; }
  return b;
}
var<workgroup> bad: atomic<u32>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = group.y;
  let range = chunkRange(group.x);
  let state = stateOf(row);
  var ids: array<u32, 4>;
  var found: array<f32, 4>;
  var top = ${f32(MASKED)};
  for (var s = 0u; s < 4u; s++) {
    let id = range.x + s * 256u + i;
    ids[s] = ${noToken}u;
    if (id < range.y) {
      let value = logits[row * ${c.dims.nVocab}u + id];
      if (isNonFinite(value)) { atomicStore(&bad, 1u); }
      else if (isAllowed(id, state)) {
        ids[s] = id;
        found[s] = value;
        top = max(top, value);
      }
    }
  }
  top = highest(top, i);
  var sum = 0f;
  for (var s = 0u; s < 4u; s++) {
    if (ids[s] != ${noToken}u) { sum += exp(found[s] - top); }
  }
  sum = total(sum, i);
  let at = row * ${c.dims.chunks}u + group.x;
  if (i == 0u) { putStats(at, top, sum, atomicLoad(&bad)); }
  for (var rank = 0u; rank < ${c.dims.perRow}u; rank++) {
    // The best that this thread still has; then the best of all, whose owner gives it up.
    var own = Best(${LOWEST}, ${noToken}u);
    for (var s = 0u; s < 4u; s++) { own = better(own, Best(found[s], ids[s])); }
    let winner = best(own, i).id;
    if (i == 0u) { bestIds[at * ${c.dims.perRow}u + rank] = winner; }
    for (var s = 0u; s < 4u; s++) {
      if (ids[s] == winner) { ids[s] = ${noToken}u; }
    }
  }
}`,
    },
    {
      // One thread a chunk and row; the best so far stay sorted in registers.
      name: 'threadPerChunk',
      suits: 'software',
      groups: (c, liveRows) => [Math.ceil(c.dims.chunks! / 8), liveRows, 1],
      wgsl: (c) => /* wgsl */ `
${chunkFunctions(c)}
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) global: vec3u) {
  let row = global.y;
  if (global.x >= ${c.dims.chunks}u) { return; }
  let range = chunkRange(global.x);
  let state = stateOf(row);
  var bad = 0u;
  var top = ${f32(MASKED)};
${unroll(c.dims.perRow!, (k) => `  var id${k} = ${noToken}u;\n  var value${k} = ${LOWEST};`)}
  for (var id = range.x; id < range.y; id++) {
    let value = logits[row * ${c.dims.nVocab}u + id];
    if (isNonFinite(value)) { bad = 1u; }
    else if (isAllowed(id, state)) {
      top = max(top, value);
      if (value > value${c.dims.perRow! - 1}) {
        // Ids come in ascending order: the new one stands behind its equals, and pushes the rest down.
        var down = value;
        var downId = id;
        var isIn = false;
${unroll(
  c.dims.perRow!,
  (k) => `        if (isIn || down > value${k}) {
          let v = value${k};
          let w = id${k};
          value${k} = down;
          id${k} = downId;
          down = v;
          downId = w;
          isIn = true;
        }`,
)}
      }
    }
  }
  // In blocks: a running sum of 1024 would lose digits.
  var sum = 0f;
  for (var first = range.x; first < range.y; first += 32u) {
    var block = 0f;
    for (var id = first; id < min(first + 32u, range.y); id++) {
      let value = logits[row * ${c.dims.nVocab}u + id];
      if (!isNonFinite(value) && isAllowed(id, state)) { block += exp(value - top); }
    }
    sum += block;
  }
  let at = row * ${c.dims.chunks}u + global.x;
  putStats(at, top, sum, bad);
${unroll(c.dims.perRow!, (k) => `  bestIds[at * ${c.dims.perRow}u + ${k}u] = id${k};`)}
}`,
    },
  ],
  cpu: [
    {
      // A unit is a chunk of a row.
      name: 'chunkOfRow',
      units: (c, liveRows) => c.dims.chunks! * liveRows,
      scratchBytes: () => 4 * (chunkIds + 16),
      emit: emitChunkOfRow,
    },
  ],
} as const satisfies Kernel;

/** What both shaders need: the range of a chunk, the rules for one id, and tests that NaN cannot fool. */
function chunkFunctions({ dims: { nVocab, maskWords: words } }: KernelContext): string {
  return /* wgsl */ `
fn chunkRange(chunk: u32) -> vec2u {
  let textEnd = rules[1];
  let textChunks = (textEnd + ${chunkIds - 1}u) / ${chunkIds}u;
  if (chunk < textChunks) { return vec2u(chunk * ${chunkIds}u, min((chunk + 1u) * ${chunkIds}u, textEnd)); }
  let begin = min(textEnd + (chunk - textChunks) * ${chunkIds}u, ${nVocab}u);
  return vec2u(begin, min(begin + ${chunkIds}u, ${nVocab}u));
}
// Sampled so far, last timestamp + 1, last is a timestamp, last but one is.
fn stateOf(row: u32) -> vec4u {
  let at = row * ${ruleStateWidth}u;
  return vec4u(ruleState[at], ruleState[at + 1u], ruleState[at + 2u], ruleState[at + 3u]);
}
fn isAllowed(id: u32, state: vec4u) -> bool {
  var mask = masks[id / 32u];
  if (state.x == 0u) { mask |= masks[${words}u + id / 32u]; }
  if (((mask >> (id % 32u)) & 1u) != 0u) { return false; }
  if (rules[3] == 0u) { return true; }
  let isPairOpen = state.z != 0u && state.w == 0u;
  if (id < rules[1]) { return state.x != 0u && !(isPairOpen && id < rules[0]); }
  if (state.z != 0u && state.w != 0u) { return false; }
  if (state.y != 0u && (id + 1u < state.y || (id + 1u == state.y && !isPairOpen))) { return false; }
  return !(state.x == 0u && rules[2] != 0u && id >= rules[2]);
}
// By bits: shaders may take it for granted that there is no NaN.
fn isNonFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }
fn putStats(at: u32, top: f32, sum: f32, bad: u32) {
  stats[at * 4u] = top;
  stats[at * 4u + 1u] = sum;
  stats[at * 4u + 2u] = f32(bad);
  stats[at * 4u + 3u] = 0f;
}
${isBetterText}`;
}

function emitChunkOfRow(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const f = kernelFunction(w, logitChunks);
  emitLogitChunks(f, c, caps);
  return f;
}

export const reference: Reference = (
  { logits, masks, rules, ruleState, stats, bestIds },
  { nVocab, maskWords: words, chunks, perRow },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const state = decodeRuleState(ruleState!, row * ruleStateWidth);
    for (let chunk = 0; chunk < chunks!; chunk++) {
      const [begin, end] = chunkRange(chunk, rules![1]!, nVocab!);
      const allowed: number[] = [];
      let nonFinite = 0;
      for (let id = begin; id < end; id++) {
        if (!Number.isFinite(logits![row * nVocab! + id]!)) nonFinite = 1;
        else if (isAllowed(id, state, rules!, masks!, words!)) allowed.push(id);
      }
      const value = (id: number): number => logits![row * nVocab! + id]!;
      let max = MASKED;
      for (const id of allowed) max = Math.max(max, value(id));
      let sum = 0;
      for (const id of allowed) sum += Math.exp(value(id) - max);
      const at = row * chunks! + chunk;
      stats!.set([max, sum, nonFinite, 0], at * 4);
      allowed.sort((a, b) => value(b) - value(a) || a - b);
      for (let i = 0; i < perRow!; i++) bestIds![at * perRow! + i] = allowed[i] ?? noToken;
    }
  }
};

/** A small vocabulary with everything in it: 2000 text ids, eot 2000, noTimestamps 2001, 40 timestamps from 2002. */
const small = { nVocab: 2042, eot: 2000, begin: 2002 };

/** [sampled, last timestamp id + 1, last is, last but one is] for as many rows. */
export const ruleStates: readonly (readonly number[])[] = [
  [0, 0, 0, 1],
  [1, small.begin + 1, 1, 1],
  [2, small.begin + 1, 0, 1],
  [5, small.begin + 11, 1, 0],
  [6, small.begin + 11, 1, 1],
  [7, small.begin + 11, 0, 0],
];

export const fillRules: NonNullable<KernelCase['fill']> = {
  rules: (rules) => {
    rules.set([small.eot, small.begin, small.begin + 21, 1, noToken, 0, 0, 0]);
  },
  masks: (masks, d, random) => {
    for (let i = 0; i < masks.length; i++) masks[i] = random() < 0.3 ? Math.floor(random() * 2 ** 32) : 0;
    masks[Math.floor((small.begin - 1) / 32)]! |= 2 ** ((small.begin - 1) % 32);
    masks[d.maskWords!] = 0xf;
  },
  ruleState: (words, d) => {
    for (let row = 0; row < d.rows!; row++) words.set(ruleStates[row % ruleStates.length]!, row * ruleStateWidth);
  },
};

const noTimestampRules: NonNullable<KernelCase['fill']>[string] = (rules, d) => {
  rules.set([0, d.nVocab!, 0, 0, noToken, 0, 0, 0]);
};

const fewValues: NonNullable<KernelCase['fill']>[string] = (x, _d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = Math.floor(4 * random());
};

function sizes(rows: number, nVocab: number, perRow: number, more?: Partial<KernelCase>): KernelCase {
  return {
    dims: { rows, nVocab, maskWords: maskWords(nVocab), chunks: chunkCount(nVocab), perRow },
    ...more,
    fill: { ...fillRules, ...more?.fill },
  };
}

export const cases: readonly KernelCase[] = [
  sizes(1, 5, 1, { fill: { rules: noTimestampRules, masks: () => {} }, note: 'five ids, no rules' }),
  sizes(6, small.nVocab, 1, { note: 'every state of the rules' }),
  sizes(6, small.nVocab, 6, { fill: { logits: fewValues }, note: 'ties everywhere' }),
  sizes(3, small.nVocab, 3, {
    fill: {
      logits: (x, d, random) => {
        for (let i = 0; i < x.length; i++) x[i] = random();
        x[17] = Number.NaN;
        x[d.nVocab! + 1500] = Number.POSITIVE_INFINITY;
        x[2 * d.nVocab! + 2041] = Number.NEGATIVE_INFINITY;
      },
    },
    note: 'NaN and infinities are seen',
  }),
  sizes(2, 700, 2, { fill: { rules: noTimestampRules, masks: (m) => m.fill(0xffffffff) }, note: 'all forbidden' }),
  sizes(8, small.nVocab, 2, { liveRows: 3 }),
  sizes(1, 51865, 1, { fill: { rules: (r) => r.set([50257, 50364, 50415, 1, noToken, 0, 0, 0]) }, bench: true }),
  sizes(5, 51865, 6, { fill: { rules: (r) => r.set([50257, 50364, 50415, 1, noToken, 0, 0, 0]) }, bench: true }),
];

/** Sums of at most 1024 terms below 1. */
export const tolerance = (): Tolerance => ({ absolute: 2e-4, relative: 0 });
