/**
 * 9 to 64 rows on hardware, as a batch of windows brings: tiles of 16 rows and few outputs, so that there are enough workgroups,
 * whose 256 threads share the k among them in slices, so that each has enough to do.
 *
 * A thread sums 4 rows x 4 outputs over the fours of k of its slice; then one thread an output adds the slices in order.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { FEW_ROWS, type Gemm, type GemmShape, hasVectors } from './gemm.ts';

/** More rows than 64 too, where tiles cannot be: outputs of a number that is no multiple of 4. */
export const rows16: GemmShape = {
  name: 'rows16',
  suits: 'hardware',
  rows: { min: FEW_ROWS + 1 },
  when: (p) => hasVectors(p) && p.rows > FEW_ROWS,
  vec4: ['x', 'w'],
  groups: rows16Groups,
  wgsl: rows16Text,
};

const ROWS = 16;
const THREADS = 256;
/** Groups of four rows. */
const ROW_GROUPS = ROWS / 4;

/** vec4f of outputs that a workgroup takes: fewer for small n, so that there are enough groups. */
function lanesOf(n: number): number {
  return n >= 4096 ? 8 : n >= 1024 ? 4 : 2;
}

function rows16Text(p: Gemm): string {
  const { rows, n, k, panelWidth, xStride } = p;
  const lanes = lanesOf(n);
  // Threads of one slice, and how many slices there are.
  const across = lanes * ROW_GROUPS;
  const slices = THREADS / across;
  const lastColumn = Math.ceil(n / panelWidth) * panelWidth - 4;
  return /* wgsl */ `
${p.put}
// 16 KiB.
var<workgroup> parts: array<array<vec4f, ${THREADS}>, 4>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstColumn = group.x * ${4 * lanes}u;
  let firstRow = group.y * ${ROWS}u;
  let lane = thread % ${lanes}u;
  let row = firstRow + 4u * (thread / ${lanes}u % ${ROW_GROUPS}u);
  let slice = thread / ${across}u;
  // Columns after the last panel and rows after the last repeat the last.
  let column = min(firstColumn + 4u * lane, ${lastColumn}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
${unroll(4, (r) => `  let x${r}At = min(row + ${r}u, ${rows - 1}u) * ${xStride / 4}u;\n  var sum${r} = vec4f();`)}
  for (var quad = slice; quad < ${k / 4}u; quad += ${slices}u) {
${unroll(4, (s) => `    let w${s} = load4_w(wAt + (4u * quad + ${s}u) * ${panelWidth / 4}u);`)}
${unroll(4, (r) => `    let x${r} = x[x${r}At + quad];`)}
${unroll(4, (r) => `    sum${r} += ${[0, 1, 2, 3].map((s) => `x${r}[${s}] * w${s}`).join(' + ')};`)}
  }
${unroll(4, (r) => `  parts[${r}][thread] = sum${r};`)}
  workgroupBarrier();
  for (var o = thread; o < ${ROWS * 4 * lanes}u; o += ${THREADS}u) {
    let r = o / ${4 * lanes}u;
    let c = o % ${4 * lanes}u;
    let first = r / 4u * ${lanes}u + c / 4u;
    var sum = 0f;
    for (var s = 0u; s < ${slices}u; s++) { sum += parts[r % 4u][first + s * ${across}u][c % 4u]; }
    if (firstRow + r < ${rows}u && firstColumn + c < ${n}u) { put(firstRow + r, firstColumn + c, sum); }
  }
}`;
}

function rows16Groups(p: Gemm, liveRows: number): Grid {
  return [Math.ceil(p.n / (4 * lanesOf(p.n))), Math.ceil(liveRows / ROWS), 1];
}
