/**
 * Few rows on hardware, where the bytes of W are the limit: a workgroup takes 16 to 64 outputs and cuts k into slices.
 */
import type { GpuFeatures } from '../../../engine/wgsl/features.ts';
import { unroll } from '../../../engine/wgsl/functions.ts';
import { byMemory, type Reducer } from '../../../engine/wgsl/reducer.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { FEW_ROWS, type Gemm, type GemmShape } from './gemm.ts';

export const sliced: GemmShape = {
  name: 'sliced',
  suits: 'hardware',
  rows: { max: FEW_ROWS },
  when: ({ rows, panelWidth }) => panelWidth % 4 === 0 && rows <= FEW_ROWS,
  vec4: ['w'],
  reduces: true,
  groups: slicedGroups,
  wgsl: slicedText,
};

const SLICED_THREADS = 128;

/** vec4f of outputs that a workgroup of `sliced` takes: fewer for small n, so that there are enough groups. */
function slicedLanes(n: number): number {
  return n >= 4096 ? 16 : n >= 1024 ? 8 : 4;
}

/**
 * One workgroup of 128 threads computes up to 64 outputs of all rows (at most 8). Neighbouring threads read neighbouring vec4f of a
 * panel, the next ones the next k; each thread sums every slices-th k, then the slices are added.
 */
function slicedText(p: Gemm, _gpu: GpuFeatures, by: Reducer = byMemory): string {
  const { rows, n, k, panelWidth } = p;
  const lanes = slicedLanes(n);
  const slices = SLICED_THREADS / lanes;
  const lastColumn = Math.ceil(n / panelWidth) * panelWidth - 4;
  const sums = by.slices({
    ...{ threads: SLICED_THREADS, rows, lanes, bytes: 16 * 1024 },
    put: `let j = (group.x * ${lanes}u + lane) * 4u;
    for (var c = 0u; c < 4u; c++) { if (j + c < ${n}u) { put(row, j + c, sum[c]); } }`,
  });
  return /* wgsl */ `
${p.put}
${sums.functions}
${by.main(
  SLICED_THREADS,
  `  let slice = thread / ${lanes}u;
  let column = min((group.x * ${lanes}u + thread % ${lanes}u) * 4u, ${lastColumn}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
${unroll(rows, (r) => `  var sum${r} = vec4f();`)}
  for (var i = slice; i < ${k}u; i += ${slices}u) {
    let value = load4_w(wAt + i * ${panelWidth / 4}u);
${unroll(rows, (r) => `    sum${r} += x[${r * p.xStride}u + i] * value;`)}
  }
${sums.statements}`,
)}`;
}

function slicedGroups(p: Gemm): Grid {
  return [Math.ceil(p.n / (4 * slicedLanes(p.n))), 1, 1];
}
