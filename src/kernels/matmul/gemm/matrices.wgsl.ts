/**
 * Many rows by matrices that the threads of a subgroup multiply together (tensor cores, simdgroup matrices): f16 x f16, summed in
 * f32. W is stored in f16 or in int8 (matrixWeights.wgsl.ts); x is rounded to f16 on its way into workgroup memory, so results are
 * those of rounded inputs (matrixInputs.ts). Sums need no blocks: their rounding is far below that of x.
 *
 * 128 threads compute 64 rows x the 64 outputs of a panel; a subgroup has a part of them that depends on its size. As in
 * tiled.wgsl.ts the next x are on their way while these are multiplied.
 */
import { MAX_HALF } from '../../../engine/dtype.ts';
import type { MatrixShape } from '../../../engine/wgsl/features.ts';
import { unroll } from '../../../engine/wgsl/functions.ts';
import { MATRIX_FEATURE } from '../../../engine/wgsl/matrixFeature.ts';
import { INT8_MATRICES, MATRICES } from '../matrixInputs.ts';
import { type Gemm, type GemmShape, hasVectors, SOME_ROWS } from './gemm.ts';
import { COLUMNS, int8Weights, type MatrixWeights, storedHalves, THREADS } from './matrixWeights.wgsl.ts';

const ROWS = 64;

/** Multiply-adds from which on matrices win: below that fetching takes longer than multiplying. localfold, Dawn on an A100. */
const ENOUGH_WORK = 2 ** 30;

const shapeOf = (name: string, weights: (p: Gemm) => MatrixWeights): Omit<GemmShape, 'takes'> => ({
  name,
  suits: 'hardware',
  needs: ['shader-f16', 'subgroups', 'subgroup_id', MATRIX_FEATURE],
  rows: { min: SOME_ROWS + 1 },
  writesFours: true,
  when: (p) => hasVectors(p) && p.rows > SOME_ROWS && p.panelWidth === COLUMNS && p.k % 16 === 0,
  pays: ({ rows, n, k }) => rows * n * k >= ENOUGH_WORK,
  groups: (p, liveRows) => [Math.ceil(p.n / COLUMNS), Math.ceil(liveRows / ROWS), 1],
  wgsl: (p, { matrix }) => (matrix ? matricesText(p, matrix, weights(p)) : ''),
});

const SHAPES: readonly GemmShape[] = [
  { ...shapeOf(MATRICES, storedHalves), takes: ['f16'], vec4: ['x'], halves: ['w'] },
  { ...shapeOf(INT8_MATRICES, int8Weights), takes: ['int8'], vec4: ['x', 'w'] },
];

/** For products that finish four outputs at once, and for those that finish one after another. */
export const matrices = { ofFours: SHAPES, ofOnes: SHAPES.map((shape) => ({ ...shape, writesFours: false })) } as const;

/** How many matrices a subgroup has below and beside one another. For tests too. */
export function share({ m, n, subgroupSize }: MatrixShape): { readonly down: number; readonly across: number } {
  const subgroups = THREADS / subgroupSize;
  const subgroupsDown = 2 ** Math.floor(Math.log2(subgroups) / 2);
  return { down: ROWS / m / subgroupsDown, across: (COLUMNS / n / subgroups) * subgroupsDown };
}

function matricesText(p: Gemm, matrix: MatrixShape, weights: MatrixWeights): string {
  const { rows, n, k, xStride, put, put4 } = p;
  const { m: mRows, n: mColumns, k: mDepth, subgroupSize } = matrix;
  const { down, across } = share(matrix);
  const subgroupsAcross = COLUMNS / mColumns / across;
  const { depth } = weights;
  // Of x in workgroup memory; a row begins a few banks after the one before.
  const stride = depth + 8;
  const fours = depth / 4;
  const parts = (ROWS * fours) / THREADS;
  const each = (line: (i: number, j: number) => string): string =>
    unroll(down, (i) => unroll(across, (j) => line(i, j)));
  const fetch = (k0: string): string =>
    unroll(parts, (s) => `    part${s} = x[x${s}At + ${k0} / 4u];`) + weights.fetch(k0);
  const keep = (tile: string): string =>
    unroll(
      parts,
      (s) => `    {
      let value = clamp(part${s}, vec4f(-${MAX_HALF}f), vec4f(${MAX_HALF}f));
      let to = ${tile} * ${ROWS * stride}u + (xRow + ${(s * THREADS) / fours}u) * ${stride}u + 4u * xFour;
${unroll(4, (i) => `      xTiles[to + ${i}u] = f16(value[${i}]);`)}
    }`,
    ) + weights.keep(tile);
  const store = put4
    ? 'put4(row, j, value);'
    : unroll(4, (i) => `      if (j + ${i}u < ${n}u) { put(row, j + ${i}u, value[${i}]); }`);
  return /* wgsl */ `
${put4 ?? put}
${weights.declarations}
var<workgroup> xTiles: array<f16, ${2 * ROWS * stride}>;
var<workgroup> results: array<f32, ${(THREADS / subgroupSize) * mRows * mColumns}>;
@compute @workgroup_size(${THREADS})${matrix.isSizeChosen ? ` @subgroup_size(${subgroupSize})` : ''}
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let firstRow = group.y * ${ROWS}u;
  // Of x a thread fetches ${parts} vec4f of the tile; rows after the last repeat it.
  let xFour = thread % ${fours}u;
  let xRow = thread / ${fours}u;
${unroll(parts, (s) => `  let x${s}At = min(firstRow + xRow + ${(s * THREADS) / fours}u, ${rows - 1}u) * ${xStride / 4}u + xFour;\n  var part${s}: vec4f;`)}
  // Where this subgroup's outputs are in the tile.
  let ownRow = subgroup / ${subgroupsAcross}u * ${down * mRows}u;
  let ownColumn = subgroup % ${subgroupsAcross}u * ${across * mColumns}u;
${each((i, j) => `  var sum${i}_${j}: subgroup_matrix_result<f32, ${mColumns}, ${mRows}>;`)}
${weights.prepare}
${fetch('0u')}
${keep('0u')}
  workgroupBarrier();
  for (var k0 = 0u; k0 < ${k}u; k0 += ${depth}u) {
    let tile = (k0 / ${depth}u) & 1u;
    let next = k0 + ${depth}u;
    if (next < ${k}u) {
${fetch('next')}
    }
    for (var kk = 0u; kk < ${depth}u; kk += ${mDepth}u) {
      let wAt = ${weights.at('k0', 'kk')} + ownColumn;
      let xAt = (tile * ${ROWS}u + ownRow) * ${stride}u + kk;
${unroll(across, (j) => `      let w${j} = subgroupMatrixLoad<subgroup_matrix_right<f16, ${mColumns}, ${mDepth}>, row_major>(&${weights.from}, wAt + ${j * mColumns}u, ${weights.stride}u);`)}
${unroll(
  down,
  (
    i,
  ) => `      let x${i} = subgroupMatrixLoad<subgroup_matrix_left<f16, ${mDepth}, ${mRows}>, row_major>(&xTiles, xAt + ${i * mRows * stride}u, ${stride}u);
${unroll(across, (j) => `      sum${i}_${j} = subgroupMatrixMultiplyAccumulate(x${i}, w${j}, sum${i}_${j});`)}`,
)}
    }
    if (next < ${k}u) {
${keep('(1u - tile)')}
    }
    workgroupBarrier();
  }
  let result = subgroup * ${mRows * mColumns}u;
${each(
  (i, j) => `  subgroupMatrixStore<row_major>(&results, result, sum${i}_${j}, ${mColumns}u);
  workgroupBarrier();
  for (var four = lane; four < ${(mRows * mColumns) / 4}u; four += ${subgroupSize}u) {
    let row = firstRow + ownRow + ${i * mRows}u + four / ${mColumns / 4}u;
    let j = group.x * ${COLUMNS}u + ownColumn + ${j * mColumns}u + 4u * (four % ${mColumns / 4}u);
    let at = result + 4u * four;
    if (row < ${rows}u && j < ${n}u) {
      let sums = vec4f(results[at], results[at + 1u], results[at + 2u], results[at + 3u]);
      let value = ${weights.finished('sums', 'j')};
      ${store}
    }
  }
  workgroupBarrier();`,
)}
}`;
}
