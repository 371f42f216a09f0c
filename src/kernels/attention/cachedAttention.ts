/**
 * Attention of a few new rows against a cache: y = softmax(q K^T / sqrt(headDim)) V for each head.
 * q: the first nState columns of [rows, qWidth]; keys, values: [slots, nCtx, nState]; y: [rows, nState].
 *
 * Self-attention (`cross` 0): row r sees positions 0 to its own. Position p of its sequence s lies in the cache of slot
 * `slotOf[s, p]` ([slots, nCtx]), so that beams are rearranged by an index and no K or V is copied.
 * Cross-attention (`cross` 1, no `slotOf`): all nCtx positions of slot `audio`, shared by all rows of a window.
 * One softmax over the whole row: scores of at most 1500 keys a row and head fit anywhere.
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
import { f32, groupReduce, LOWEST, unroll } from '../../engine/wgsl.ts';
import { fillRowState } from '../embed/embed.ts';
import { emitAttentionStep } from './cachedAttention.wasm.ts';
import { crossScratchBytes, crossUnits, emitAttentionCross } from './crossAttention.wasm.ts';

export const attentionStep = {
  name: 'attentionStep',
  args: {
    q: { access: 'read', dtype: 'f32', dims: ['rows', 'qWidth'] },
    keys: { access: 'read', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'read', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', 4] },
    slotOf: { access: 'read', dtype: 'u32', dims: ['slots', 'nCtx'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: { nHead: 1, cross: 0 },
  check: (d, p) =>
    d.qWidth! < d.nState!
      ? `q is ${d.qWidth} wide, less than ${d.nState}`
      : d.nState! % (4 * p.nHead!) !== 0
        ? `${p.nHead} heads do not divide ${d.nState} in fours`
        : undefined,
  cost: (d) => ({ flops: 4 * d.rows! * d.nCtx! * d.nState!, bytes: 8 * d.nCtx! * d.nState! }),
  gpu: [
    {
      // One workgroup a row and head. For the scores, four neighbouring threads share a key, so that they read 64 bytes side
      // by side; then threads take 4 columns and every slices-th key of V.
      name: 'groupPerHead',
      suits: 'hardware',
      when: (c) => GROUP % headVectors(c) === 0 && c.dims.nCtx! <= 1920 && c.dims.qWidth! % 4 === 0,
      vec4: ['q', 'keys', 'values', 'y'],
      groups: (c, liveRows) => [c.params.nHead!, liveRows, 1],
      wgsl: (c) => {
        const { nCtx, nState, qWidth } = c.dims;
        const vectors = headVectors(c);
        const slices = GROUP / vectors;
        const parts = vectors % 4 === 0 ? 4 : 1;
        const keys = GROUP / parts;
        return /* wgsl */ `
${keyPlace(c)}
var<workgroup> scores: array<f32, ${nCtx}>;
${groupReduce('highest', GROUP, 'f32', 'max(a, b)')}
${groupReduce('total', GROUP, 'f32', 'a + b')}
var<workgroup> pieces: array<f32, ${2 * GROUP}>;
var<workgroup> partial: array<vec4f, ${GROUP}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = group.y;
  let head = group.x * ${vectors}u;
  let count = keyCount(row);
  let column = head + i % ${parts}u;
${unroll(vectors / parts, (s) => `  let q${s} = q[row * ${qWidth! / 4}u + column + ${s * parts}u] * ${f32(1 / Math.sqrt(4 * vectors))};`)}
  var best = ${LOWEST};
  for (var round = 0u; round * ${keys}u < count; round++) {
    let keyAt = place(row, min(round * ${keys}u + i / ${parts}u, count - 1u)) * ${nState! / 4}u + column;
    var piece = 0f;
${unroll(vectors / parts, (s) => `    piece += dot(q${s}, keys[keyAt + ${s * parts}u]);`)}
    // Two halves in turn, so that one barrier a round is enough.
    let half = (round % 2u) * ${GROUP}u;
    pieces[half + i] = piece;
    workgroupBarrier();
    let key = round * ${keys}u + i;
    if (i < ${keys}u && key < count) {
      let score = ${Array.from({ length: parts }, (_, s) => `pieces[half + i * ${parts}u + ${s}u]`).join(' + ')};
      scores[key] = score;
      best = max(best, score);
    }
  }
  let top = highest(best, i);
  var sum = 0f;
  for (var key = i; key < count; key += ${GROUP}u) {
    let weight = exp(scores[key] - top);
    scores[key] = weight;
    sum += weight;
  }
  let all = total(sum, i);
  let d = i % ${vectors}u;
  let slice = i / ${vectors}u;
  var o = vec4f();
  for (var key = slice; key < count; key += ${slices}u) {
    o += scores[key] * values[place(row, key) * ${nState! / 4}u + head + d];
  }
  partial[i] = o;
  workgroupBarrier();
  if (slice != 0u) { return; }
  for (var s = 1u; s < ${slices}u; s++) { o += partial[s * ${vectors}u + d]; }
  y[row * ${nState! / 4}u + head + d] = o / all;
}`;
      },
    },
    {
      // One thread a row and head, over blocks of 8 keys. The sums of values stay in y between blocks, see attention.ts.
      name: 'threadPerHead',
      suits: 'software',
      groups: (c, liveRows) => [Math.ceil((liveRows * c.params.nHead!) / 8), 1, 1],
      wgsl: (c) => {
        const { rows, nState, qWidth } = c.dims;
        const { nHead } = c.params;
        const headDim = nState! / nHead!;
        const four = (value: (i: number) => string, v: number): string =>
          `vec4f(${[0, 1, 2, 3].map((i) => value(4 * v + i)).join(', ')})`;
        return /* wgsl */ `
${keyPlace(c)}
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / ${nHead}u;
  if (row >= ${rows}u) { return; }
  let head = (id.x % ${nHead}u) * ${headDim}u;
  let count = keyCount(row);
  let qAt = row * ${qWidth}u;
  let yAt = row * ${nState}u;
  var top = ${LOWEST};
  var sum = 0f;
  for (var d = head; d < head + ${headDim}u; d++) { y[yAt + d] = 0f; }
  for (var key = 0u; key < count; key += 8u) {
${unroll(8, (i) => `    let k${i} = place(row, min(key + ${i}u, count - 1u)) * ${nState}u;`)}
    var p0 = vec4f();
    var p1 = vec4f();
    for (var d = head; d < head + ${headDim}u; d++) {
      let qd = q[qAt + d];
${unroll(2, (v) => `      p${v} += qd * ${four((i) => `keys[k${i} + d]`, v)};`)}
    }
${unroll(
  2,
  (v) =>
    `    p${v} = select(vec4f(-1e30f), p${v} * ${f32(1 / Math.sqrt(headDim))}, key + ${four((i) => `${i}`, v).replace('vec4f', 'vec4u')} < vec4u(count));`,
)}
    let four = max(p0, p1);
    let higher = max(top, max(max(four.x, four.y), max(four.z, four.w)));
    let shrink = exp(top - higher);
    top = higher;
    p0 = exp(p0 - higher);
    p1 = exp(p1 - higher);
    sum = sum * shrink + dot(p0 + p1, vec4f(1f));
    for (var d = head; d < head + ${headDim}u; d++) {
      let v0 = ${four((i) => `values[k${i} + d]`, 0)};
      let v1 = ${four((i) => `values[k${i} + d]`, 1)};
      y[yAt + d] = y[yAt + d] * shrink + dot(p0, v0) + dot(p1, v1);
    }
  }
  for (var d = head; d < head + ${headDim}u; d++) { y[yAt + d] /= sum; }
}`;
      },
    },
  ],
  cpu: [
    {
      // Cross-attention. A unit is a head of one or two rows.
      name: 'headOfRows',
      when: (c) => c.params.cross === 1,
      units: crossUnits,
      scratchBytes: crossScratchBytes,
      emit: emitHeadOfRows,
    },
    {
      // A unit is a head of a row; rows of one head follow each other, so that they find its keys in the cache.
      name: 'headOfRow',
      units: (c, liveRows) => c.params.nHead! * liveRows,
      scratchBytes: (c) => 4 * (c.dims.nCtx! + 12),
      emit: emitHeadOfRow,
    },
  ],
} as const satisfies Kernel;

/** Threads of a workgroup of `groupPerHead`. */
const GROUP = 256;

function headVectors({ dims, params }: KernelContext): number {
  return dims.nState! / params.nHead! / 4;
}

/** How many keys a row sees, and where each lies in the cache, in rows of nState. */
function keyPlace({ dims: { nCtx }, params, has }: KernelContext): string {
  if (params.cross) {
    return /* wgsl */ `
fn keyCount(row: u32) -> u32 { return ${nCtx}u; }
fn place(row: u32, key: u32) -> u32 { return rowState[row * 4u + 3u] * ${nCtx}u + key; }`;
  }
  return /* wgsl */ `
fn keyCount(row: u32) -> u32 { return min(rowState[row * 4u + 1u] + 1u, ${nCtx}u); }
fn place(row: u32, key: u32) -> u32 {
  let own = rowState[row * 4u + 2u] * ${nCtx}u + key;
  return ${has('slotOf') ? `slotOf[own] * ${nCtx}u + key` : 'own'};
}`;
}

function emitHeadOfRows(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const f = kernelFunction(w, attentionStep);
  emitAttentionCross(w, f, c, caps);
  return f;
}

function emitHeadOfRow(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const f = kernelFunction(w, attentionStep);
  emitAttentionStep(w, f, c, caps);
  return f;
}

export const reference: Reference = (
  { q, keys, values, rowState, slotOf, y },
  { nCtx, nState, qWidth },
  { nHead, cross },
  liveRows,
) => {
  const headDim = nState! / nHead!;
  const weights = new Float64Array(nCtx!);
  for (let row = 0; row < liveRows; row++) {
    const sequence = rowState![row * 4 + 2]!;
    const audio = rowState![row * 4 + 3]!;
    const count = cross ? nCtx! : rowState![row * 4 + 1]! + 1;
    const at = (key: number): number => {
      const slot = cross ? audio : slotOf ? slotOf[sequence * nCtx! + key]! : sequence;
      return (slot * nCtx! + key) * nState!;
    };
    for (let head = 0; head < nHead!; head++) {
      let max = Number.NEGATIVE_INFINITY;
      for (let key = 0; key < count; key++) {
        let score = 0;
        for (let i = head * headDim; i < (head + 1) * headDim; i++)
          score += q![row * qWidth! + i]! * keys![at(key) + i]!;
        weights[key] = score / Math.sqrt(headDim);
        max = Math.max(max, weights[key]!);
      }
      let sum = 0;
      for (let key = 0; key < count; key++) sum += weights[key] = Math.exp(weights[key]! - max);
      for (let i = head * headDim; i < (head + 1) * headDim; i++) {
        let value = 0;
        for (let key = 0; key < count; key++) value += weights[key]! * values![at(key) + i]!;
        y![row * nState! + i] = value / sum;
      }
    }
  }
};

const slots: NonNullable<KernelCase['fill']>[string] = (slotOf, d, random) => {
  for (let i = 0; i < slotOf.length; i++) slotOf[i] = Math.floor(random() * d.slots!);
};

function sizes(
  kind: 'self' | 'cross',
  rows: number,
  nHead: number,
  headDim: number,
  nCtx: number,
  slotCount: number,
  more?: object,
): KernelCase {
  const nState = nHead * headDim;
  return {
    dims: { rows, nState, qWidth: kind === 'self' ? 3 * nState : nState, nCtx, slots: slotCount },
    params: { nHead, cross: kind === 'cross' ? 1 : 0 },
    optional: kind === 'self' ? ['slotOf'] : [],
    fill: { rowState: fillRowState(1, nCtx, slotCount), slotOf: slots },
    ...more,
  };
}

const lastPosition: NonNullable<KernelCase['fill']>[string] = (state, d) => {
  for (let row = 0; row < d.rows!; row++) state[row * 4 + 1] = d.nCtx! - 1;
};

export const cases: readonly KernelCase[] = [
  sizes('self', 1, 1, 4, 1, 1, { note: 'one key' }),
  sizes('self', 3, 2, 8, 7, 2),
  sizes('self', 5, 6, 64, 65, 5, { note: 'five beams' }),
  sizes('self', 8, 2, 64, 448, 8, { liveRows: 5 }),
  sizes('self', 1, 6, 64, 448, 1, { fill: { rowState: lastPosition } }),
  sizes('cross', 1, 1, 64, 3, 1),
  sizes('cross', 5, 2, 64, 129, 2),
  sizes('cross', 4, 3, 16, 63, 1, { liveRows: 3 }),
  sizes('cross', 1, 6, 64, 1500, 1, { bench: true, note: 'one token, tiny' }),
  sizes('cross', 5, 6, 64, 1500, 1, { bench: true, note: 'five beams, tiny' }),
];

export const tolerance = (): Tolerance => ({ absolute: 2e-6, relative: 2e-6 });
