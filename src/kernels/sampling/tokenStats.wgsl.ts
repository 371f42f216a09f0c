import type { KernelContext } from '../../engine/variant.ts';
import { BEST, bestText, f32, isBetterText, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import { byMemory, HIGHEST, SUM } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { allowedIdsText } from './allowedIds.wgsl.ts';
import { NO_TOKEN, RULE_STATE, RULES } from './decodeState.ts';
import { CHUNK_IDS, STATS, textChunksText } from './vocabularyChunks.ts';

type Dims = 'nVocab' | 'maskWords' | 'chunks' | 'perRow';

export const variants: readonly WgslVariant<Dims>[] = [
  {
    // One workgroup a chunk and row; thread i takes ids i, i + 256, i + 512 and i + 768 of the chunk. For each rank: the best that
    // each thread still has, then the best of all, whose owner gives it up.
    name: 'groupPerChunk',
    suits: 'hardware',
    groups: (c, liveRows) => [c.dims.chunks, liveRows, 1],
    reduces: true,
    wgsl: (c, _gpu, by = byMemory) => /* wgsl */ `
${chunkFunctions(c)}
${bestText}
${by.team('highest', 256, HIGHEST)}
${by.team('total', 256, SUM)}
${by.team('best', 256, { type: 'Best', fields: BEST, combine: 'better(a, b)' })}
var<workgroup> bad: atomic<u32>;
${by.main(
  256,
  `  let row = group.y;
  let range = chunkRange(group.x, row);
  let isFirst = isFirstToken(row);
  let firstMask = firstMaskOf(row);
  var ids: array<u32, 4>;
  var found: array<f32, 4>;
  var top = ${f32(MASKED)};
  for (var s = 0u; s < 4u; s++) {
    let id = range.x + s * 256u + thread;
    ids[s] = ${NO_TOKEN}u;
    if (id < range.y) {
      let value = logits[row * ${c.dims.nVocab}u + id];
      if (isNonFinite(value)) { atomicStore(&bad, 1u); }
      else if (isAllowed(id, range.zw, isFirst, firstMask)) {
        ids[s] = id;
        found[s] = value;
        top = max(top, value);
      }
    }
  }
  top = highest(top, thread);
  var sum = 0f;
  for (var s = 0u; s < 4u; s++) {
    if (ids[s] != ${NO_TOKEN}u) { sum += exp(found[s] - top); }
  }
  sum = total(sum, thread);
  let at = row * ${c.dims.chunks}u + group.x;
  if (thread == 0u) { putStats(at, top, sum, atomicLoad(&bad)); }
  for (var rank = 0u; rank < ${c.dims.perRow}u; rank++) {
    var own = Best(${LOWEST}, ${NO_TOKEN}u);
    for (var s = 0u; s < 4u; s++) { own = better(own, Best(found[s], ids[s])); }
    let winner = best(own, thread).id;
    if (thread == 0u) { bestIds[at * ${c.dims.perRow}u + rank] = winner; }
    for (var s = 0u; s < 4u; s++) {
      if (ids[s] == winner) { ids[s] = ${NO_TOKEN}u; }
    }
  }`,
)}`,
  },
  {
    // One thread a chunk and row; the best so far stay sorted in registers. Ids come in ascending order: a new one stands after its
    // equals, and pushes the rest down. The sum goes in blocks: a running one of 1024 would lose digits.
    name: 'threadPerChunk',
    suits: 'software',
    groups: (c, liveRows) => [Math.ceil(c.dims.chunks / 8), liveRows, 1],
    wgsl: (c) => /* wgsl */ `
${chunkFunctions(c)}
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) global: vec3u) {
  let row = global.y;
  if (global.x >= ${c.dims.chunks}u) { return; }
  let range = chunkRange(global.x, row);
  let isFirst = isFirstToken(row);
  let firstMask = firstMaskOf(row);
  var bad = 0u;
  var top = ${f32(MASKED)};
${unroll(c.dims.perRow, (k) => `  var id${k} = ${NO_TOKEN}u;\n  var value${k} = ${LOWEST};`)}
  for (var id = range.x; id < range.y; id++) {
    let value = logits[row * ${c.dims.nVocab}u + id];
    if (isNonFinite(value)) { bad = 1u; }
    else if (isAllowed(id, range.zw, isFirst, firstMask)) {
      top = max(top, value);
      if (value > value${c.dims.perRow - 1}) {
        var down = value;
        var downId = id;
        var isIn = false;
${unroll(
  c.dims.perRow,
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
  var sum = 0f;
  for (var first = range.x; first < range.y; first += 32u) {
    var block = 0f;
    for (var id = first; id < min(first + 32u, range.y); id++) {
      let value = logits[row * ${c.dims.nVocab}u + id];
      if (!isNonFinite(value) && isAllowed(id, range.zw, isFirst, firstMask)) { block += exp(value - top); }
    }
    sum += block;
  }
  let at = row * ${c.dims.chunks}u + global.x;
  putStats(at, top, sum, bad);
${unroll(c.dims.perRow, (k) => `  bestIds[at * ${c.dims.perRow}u + ${k}u] = id${k};`)}
}`,
  },
];

/**
 * What both shaders need. `chunkRange`: first id of the chunk and the one after its last (x, y); the same of the ids that the timestamp
 * rules allow (z, w).
 */
function chunkFunctions({ dims: { nVocab, maskWords } }: KernelContext<Dims>): string {
  const state = RULE_STATE.wgsl('ruleState', 'row');
  const rules = RULES.wgsl('rules', state.set);
  const stats = STATS.wgsl('stats', 'at');
  return /* wgsl */ `
${textChunksText}
${allowedIdsText(maskWords)}
fn chunkRange(chunk: u32, row: u32) -> vec4u {
  let textEnd = ${rules.timestampBegin};
  let textChunks = textChunkCount(row);
  let isText = chunk < textChunks;
  let begin = select(min(textEnd + (chunk - textChunks) * ${CHUNK_IDS}u, ${nVocab}u), chunk * ${CHUNK_IDS}u, isText);
  let end = min(begin + ${CHUNK_IDS}u, select(${nVocab}u, textEnd, isText));
  return vec4u(begin, end, allowedRange(row, isText, begin, end));
}
fn putStats(at: u32, top: f32, sum: f32, bad: u32) {
  ${stats.max} = top;
  ${stats.sum} = sum;
  ${stats.nonFinite} = f32(bad);
  stats[at * ${STATS.width}u + ${STATS.width - 1}u] = 0f;
}
${isBetterText}`;
}
