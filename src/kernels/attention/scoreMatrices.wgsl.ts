/**
 * The encoder's attention by matrices of subgroups (tensor cores, simdgroup matrices), f16 x f16 summed in f32: a subgroup takes
 * as many queries of one head as its matrices have rows, a workgroup 64, over tiles of 32 keys.
 *
 * Matrices cannot be scaled row by row, so sums of values cannot follow a running maximum. There are two passes: the first finds
 * the maximum of each query's scores, the second computes the scores again, and with them weights and sums. Queries (scaled
 * first), keys, values and weights are rounded to f16 (halves.ts); scores, their exponentials and all sums are f32.
 */
import { MAX_HALF } from '../../engine/dtype.ts';
import type { MatrixShape } from '../../engine/wgsl/features.ts';
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import { MATRIX_FEATURE } from '../../engine/wgsl/matrixFeature.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { SCORE_MATRICES } from './halves.ts';

const QUERIES = 64;
const KEYS = 32;
/** Keys whose scores are there at once. */
const BLOCK = 16;
/** Elements of a head that the tiles have room for. */
const LARGEST_HEAD = 64;
/** In f16, from one query's weights to the next. */
const WEIGHTS_STRIDE = BLOCK + 8;
/** Weights are up to 1 times this, so that few of them are below the least normal f16, which GPUs may take for 0. */
const WEIGHT_SCALE = 1024;

type Context = Parameters<typeof scoreMatrices.wgsl>[0];

export const scoreMatrices: WgslVariant<'nCtx' | 'nState' | 'width', 'nHead' | 'rounded' | 'halves'> = {
  name: SCORE_MATRICES,
  suits: 'hardware',
  needs: ['shader-f16', 'subgroups', 'subgroup_id', MATRIX_FEATURE],
  when: ({ dims, params }) => {
    const headDim = dims.nState / params.nHead;
    return params.halves === 1 && headDim % 16 === 0 && headDim <= LARGEST_HEAD;
  },
  vec4: ['qkv'],
  groups: ({ dims, params }) => [Math.ceil(dims.nCtx / QUERIES), params.nHead, 1],
  wgsl: (c, { matrix }) => (matrix ? text(c, matrix) : ''),
};

function text({ dims: { nCtx, nState, width }, params: { nHead } }: Context, matrix: MatrixShape): string {
  const headDim = nState / nHead;
  const vectors = headDim / 4;
  const { m, n, k, subgroupSize } = matrix;
  const threads = (QUERIES / m) * subgroupSize;
  // Threads that share a query outside of matrices, and the scores of a block, or outputs of a matrix, that each then has.
  const sharers = subgroupSize / m;
  const ownScores = BLOCK / sharers;
  const ownOutputs = n / sharers;
  const stride = headDim + 8;
  const ofStrip = m * BLOCK;
  const eachK = (line: (i: number) => string): string => unroll(headDim / k, line);
  const eachN = (line: (j: number) => string): string => unroll(headDim / n, line);
  const right = (layout: string, at: string): string =>
    `subgroupMatrixLoad<subgroup_matrix_right<f16, ${n}, ${k}>, ${layout}>(&tile, ${at}, ${stride}u)`;
  const left = (from: string, at: string, step: number): string =>
    `subgroupMatrixLoad<subgroup_matrix_left<f16, ${k}, ${m}>, row_major>(&${from}, ${at}, ${step}u)`;
  // Rows of qkv from `first` on as f16, after the row `to` of the tile.
  const stage = (rows: number, first: string, column: number, to: number, scale = 1): string => /* wgsl */ `
    for (var part = thread; part < ${rows * vectors}u; part += ${threads}u) {
      let row = part / ${vectors}u;
      let vector = part % ${vectors}u;
      let source = min(${first} + row, ${nCtx - 1}u) * ${width / 4}u + ${column / 4}u + head + vector;
      let value = clamp(${scale === 1 ? 'qkv[source]' : `qkv[source] * ${f32(scale)}`}, vec4f(-${MAX_HALF}f), vec4f(${MAX_HALF}f));
      let at = (row + ${to}u) * ${stride}u + 4u * vector;
${unroll(4, (i) => `      tile[at + ${i}u] = f16(value[${i}]);`)}
    }`;
  // Dawn (0.6.2) does not make a variable without a value zero again in the next round of a loop.
  const scoresOfBlock = /* wgsl */ `
${unroll(
  BLOCK / n,
  (j) => `      {
        var s = subgroup_matrix_result<f32, ${n}, ${m}>();
${eachK((i) => `        s = subgroupMatrixMultiplyAccumulate(q${i}, ${right('col_major', `(block + ${j * n}u) * ${stride}u + ${i * k}u`)}, s);`)}
        subgroupMatrixStore<row_major>(&scores, strip + ${j * n}u, s, ${BLOCK}u);
      }`,
)}
      workgroupBarrier();`;
  const shared = (name: string, combine: (other: string) => string): string => /* wgsl */ `
  scores[strip + sharer * ${m}u + row] = ${name};
  workgroupBarrier();
${unroll(sharers, (s) => `  ${name === 'sum' && s === 0 ? 'sum = 0f;\n  ' : ''}${name} = ${combine(`scores[strip + ${s * m}u + row]`)};`)}
  workgroupBarrier();`;
  return /* wgsl */ `
// Queries first, then keys and after them values.
var<workgroup> tile: array<f16, ${QUERIES * stride}>;
var<workgroup> scores: array<f32, ${QUERIES * BLOCK}>;
var<workgroup> weights: array<f16, ${QUERIES * WEIGHTS_STRIDE}>;
@compute @workgroup_size(${threads})${matrix.isSizeChosen ? ` @subgroup_size(${subgroupSize})` : ''}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  // 1, so that Mesa's compiler cannot know it, see scoreTiles.wgsl.ts.
  let one = groups.z;
  let head = group.y * ${vectors}u;
  let firstQuery = group.x * ${QUERIES}u;
  // This subgroup's part of scores; outside of matrices this thread has some of one query's.
  let strip = subgroup * ${ofStrip}u;
  let row = lane % ${m}u;
  let sharer = lane / ${m}u;
${stage(QUERIES, 'firstQuery', 0, 0, 1 / Math.sqrt(headDim))}
  workgroupBarrier();
${eachK((i) => `  let q${i} = ${left('tile', `subgroup * ${m * stride}u + ${i * k}u`, stride)};`)}
  workgroupBarrier();
  let own = strip + row * ${BLOCK}u + sharer * ${ownScores}u;

  var top = ${LOWEST};
  for (var key0 = 0u; key0 < ${nCtx}u; key0 += ${KEYS}u) {
${stage(KEYS, 'key0', nState, 0)}
    workgroupBarrier();
    for (var block = 0u; block < ${KEYS}u * one; block += ${BLOCK}u) {
${scoresOfBlock}
      for (var i = 0u; i < ${ownScores}u * one; i++) {
        let isKey = key0 + block + sharer * ${ownScores}u + i < ${nCtx}u;
        top = max(top, select(${LOWEST}, scores[own + i], isKey));
      }
      workgroupBarrier();
    }
  }
${shared('top', (other) => `max(top, ${other})`)}

  var sum = 0f;
${eachN((j) => `  var o${j}: subgroup_matrix_result<f32, ${n}, ${m}>;`)}
  for (var key0 = 0u; key0 < ${nCtx}u; key0 += ${KEYS}u) {
${stage(KEYS, 'key0', nState, 0)}
${stage(KEYS, 'key0', 2 * nState, KEYS)}
    workgroupBarrier();
    for (var block = 0u; block < ${KEYS}u * one; block += ${BLOCK}u) {
${scoresOfBlock}
      for (var i = 0u; i < ${ownScores}u * one; i++) {
        let isKey = key0 + block + sharer * ${ownScores}u + i < ${nCtx}u;
        let weight = f16(select(0f, exp(scores[own + i] - top) * ${f32(WEIGHT_SCALE)}, isKey));
        weights[(subgroup * ${m}u + row) * ${WEIGHTS_STRIDE}u + sharer * ${ownScores}u + i] = weight;
        // What is divided by is the sum of the weights as they are rounded.
        sum += f32(weight);
      }
      workgroupBarrier();
${unroll(
  BLOCK / k,
  (i) => `      {
        let p = ${left('weights', `subgroup * ${m * WEIGHTS_STRIDE}u + ${i * k}u`, WEIGHTS_STRIDE)};
${eachN((j) => `        o${j} = subgroupMatrixMultiplyAccumulate(p, ${right('row_major', `(${KEYS}u + block + ${i * k}u) * ${stride}u + ${j * n}u`)}, o${j});`)}
      }`,
)}
    }
    workgroupBarrier();
  }
${shared('sum', (other) => `sum + ${other}`)}

  let query = firstQuery + subgroup * ${m}u + row;
${eachN(
  (j) => `  subgroupMatrixStore<row_major>(&scores, strip, o${j}, ${BLOCK}u);
  workgroupBarrier();
  if (query < ${nCtx}u) {
    for (var i = sharer * ${ownOutputs}u; i < (sharer + 1u) * ${ownOutputs}u; i++) {
      y[query * ${nState}u + 4u * head + ${j * n}u + i] = scores[strip + row * ${BLOCK}u + i] / sum;
    }
  }
  workgroupBarrier();`,
)}
}`;
}
