/**
 * A block of outputs in registers, no workgroup memory, and of x each number loaded by one thread of four: for software adapters
 * with subgroups.
 *
 * Software adapters load for each thread by itself, also what all of them want, and a load costs them as much as six multiply-adds.
 * So the threads of a workgroup have the same 16 rows: each loads x of the four rows that are its number's in the subgroup, modulo
 * 4, and the others have it from there. For a k of 16 x 8 outputs that are 4 loads of x in place of 16: 1.5 to 1.7 times as fast as
 * `direct` on lavapipe 25, and to the bit the same.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { FEW_ROWS, type Gemm, type GemmShape } from './gemm.ts';
import { registerBlock } from './registerBlock.ts';

export const broadcast: GemmShape = {
  name: 'broadcast',
  suits: 'software',
  needs: ['subgroups'],
  rows: { min: FEW_ROWS + 1 },
  when: ({ rows, panelWidth }) => panelWidth % COLUMNS === 0 && rows > FEW_ROWS,
  vec4: ['w'],
  groups: ({ n }, liveRows): Grid => [Math.ceil(n / (COLUMNS * THREADS)), Math.ceil(liveRows / ROWS), 1],
  wgsl: broadcastText,
};

/** Of a workgroup. */
const ROWS = 16;
/** Of a thread. */
const COLUMNS = 8;
const THREADS = 8;
/** Threads that load for all: subgroups have so many at least. */
const LOADERS = 4;

function broadcastText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const eachLoad = (line: (l: number) => string): string => unroll(ROWS / LOADERS, line);
  const block = {
    rows: ROWS,
    columns: COLUMNS,
    load: eachLoad((l) => `      let x${l} = x[x${l}At + i];`),
    value: (r: number) => `subgroupBroadcast(x${Math.floor(r / LOADERS)}, ${r % LOADERS}u)`,
  };
  return /* wgsl */ `
${p.put}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let row = group.y * ${ROWS}u;
  let j = (group.x * ${THREADS}u + thread) * ${COLUMNS}u;
  let column = min(j, ${Math.ceil(n / panelWidth) * panelWidth - COLUMNS}u);
  var at = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
${eachLoad((l) => `  let x${l}At = min(row + ${l * LOADERS}u + lane % ${LOADERS}u, ${rows - 1}u) * ${p.xStride}u;`)}
${registerBlock(block, p)}
}`;
}
