/**
 * Few rows on hardware, where the bytes of W are the limit: a workgroup takes 16 to 64 outputs and cuts k into slices.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { FEW_ROWS, type Gemm, type GemmShape } from './gemm.ts';

export const sliced: GemmShape = {
  name: 'sliced',
  suits: 'hardware',
  rows: { max: FEW_ROWS },
  when: ({ rows, panelWidth }) => panelWidth % 4 === 0 && rows <= FEW_ROWS,
  vec4: ['w'],
  groups: slicedGroups,
  wgsl: slicedText,
};

const SLICED_THREADS = 128;

/** vec4f of outputs that a workgroup of `sliced` takes: fewer for small n, so that there are enough groups. */
function slicedLanes(n: number): number {
  return n >= 4096 ? 16 : n >= 1024 ? 8 : 4;
}

/**
 * One workgroup of 128 threads computes up to 64 outputs of all rows (at most 8, so that their parts fill the 16 KiB of
 * workgroup memory). Neighbouring threads read neighbouring vec4f of a panel, the next ones the next k; each thread sums
 * every slices-th k, then one thread an output adds the slices in order.
 */
function slicedText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const lanes = slicedLanes(n);
  const slices = SLICED_THREADS / lanes;
  const lastColumn = Math.ceil(n / panelWidth) * panelWidth - 4;
  return /* wgsl */ `
${p.put}
var<workgroup> parts: array<vec4f, ${rows * SLICED_THREADS}>;
@compute @workgroup_size(${SLICED_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ${lanes}u;
  let slice = thread / ${lanes}u;
  let column = min((group.x * ${lanes}u + lane) * 4u, ${lastColumn}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
${unroll(rows, (r) => `  var sum${r} = vec4f();`)}
  for (var i = slice; i < ${k}u; i += ${slices}u) {
    let value = load4_w(wAt + i * ${panelWidth / 4}u);
${unroll(rows, (r) => `    sum${r} += x[${r * p.xStride}u + i] * value;`)}
  }
${unroll(rows, (r) => `  parts[${r * SLICED_THREADS}u + thread] = sum${r};`)}
  workgroupBarrier();
  for (var o = thread; o < ${rows * lanes * 4}u; o += ${SLICED_THREADS}u) {
    let row = o / ${lanes * 4}u;
    let c = o % ${lanes * 4}u;
    let j = group.x * ${lanes * 4}u + c;
    var sum = 0f;
    for (var s = 0u; s < ${slices}u; s++) { sum += parts[row * ${SLICED_THREADS}u + s * ${lanes}u + c / 4u][c % 4u]; }
    if (j < ${n}u) { put(row, j, sum); }
  }
}`;
}

function slicedGroups(p: Gemm): Grid {
  return [Math.ceil(p.n / (4 * slicedLanes(p.n))), 1, 1];
}
