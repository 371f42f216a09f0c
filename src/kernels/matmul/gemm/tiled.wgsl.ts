/** Tiles of x and W in workgroup memory: many rows on hardware. */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { BLOCK, FEW_ROWS, type Gemm, type GemmShape, hasVectors, putAll } from './gemm.ts';

export const tiled: GemmShape = {
  name: 'tiled',
  suits: 'hardware',
  rows: { min: FEW_ROWS + 1 },
  when: (p) => hasVectors(p) && p.rows > FEW_ROWS,
  vec4: ['x', 'w'],
  groups: tiledGroups,
  wgsl: tiledText,
};

const TILE = 64;
const TILE_K = 16;

/**
 * One workgroup of 128 threads computes 64 x 64 outputs, a thread 8 rows x 4 columns. For each 16 of k: x is stored
 * transposed, so a thread reads its 8 rows as two vec4f, and W as it lies in the panel.
 */
function tiledText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const isRagged = k % TILE_K !== 0;
  const inK = (i: string): string => (isRagged ? `${i} < ${k}u` : 'true');
  return /* wgsl */ `
${p.put}
var<workgroup> xTile: array<array<vec4f, ${TILE / 4}>, ${TILE_K}>;
var<workgroup> wTile: array<array<vec4f, ${TILE / 4}>, ${TILE_K}>;
@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstRow = group.y * ${TILE}u;
  let firstColumn = group.x * ${TILE}u;
  // For loading x: this thread's row of the tile, and which half of the vec4f along k.
  let loadRow = thread % ${TILE}u;
  let loadHalf = thread / ${TILE}u;
  let xAt = min(firstRow + loadRow, ${rows - 1}u) * ${p.xStride / 4}u;
  // For loading W: this thread's vec4f of columns, and its first k; columns after the last panel repeat the last.
  let loadVector = thread % ${TILE / 4}u;
  let loadK = thread / ${TILE / 4}u;
  let column = min(firstColumn + 4u * loadVector, ${Math.ceil(n / panelWidth) * panelWidth - 4}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
  // For computing.
  let tx = thread % ${TILE / 4}u;
  let ty = thread / ${TILE / 4}u;
${unroll(8, (r) => `  var total${r} = vec4f();`)}
${unroll(8, (r) => `  var sum${r} = vec4f();`)}
  for (var k0 = 0u; k0 < ${k}u; k0 += ${TILE_K}u) {
${unroll(
  2,
  (h) => `    {
      let kq = 2u * ${h}u + loadHalf;
      var value = vec4f();
      if (${inK('k0 + 4u * kq')}) { value = x[xAt + k0 / 4u + kq]; }
${unroll(4, (s) => `      xTile[4u * kq + ${s}u][loadRow / 4u][loadRow % 4u] = value[${s}];`)}
    }
    {
      let kk = ${8 * h}u + loadK;
      var value = vec4f();
      if (${inK('k0 + kk')}) { value = load4_w(wAt + (k0 + kk) * ${panelWidth / 4}u); }
      wTile[kk][loadVector] = value;
    }`,
)}
    workgroupBarrier();
    for (var kk = 0u; kk < ${TILE_K}u; kk++) {
      let a = xTile[kk][2u * ty];
      let b = xTile[kk][2u * ty + 1u];
      let v = wTile[kk][tx];
${unroll(4, (r) => `      sum${r} += a[${r}] * v;\n      sum${r + 4} += b[${r}] * v;`)}
    }
    workgroupBarrier();
    if (k0 % ${BLOCK}u == ${BLOCK - TILE_K}u) {
${unroll(8, (r) => `      total${r} += sum${r};\n      sum${r} = vec4f();`)}
    }
  }
  let j = firstColumn + 4u * tx;
  let row = firstRow + 8u * ty;
  // A copy, since what is indexed by a variable leaves registers.
  var sums = array<vec4f, 8>(${Array.from({ length: 8 }, (_, r) => `total${r} + sum${r}`).join(', ')});
${putAll('row', 'j', 8, 1, p)}
}`;
}

function tiledGroups(p: Gemm, liveRows: number): Grid {
  return [Math.ceil(p.n / TILE), Math.ceil(liveRows / TILE), 1];
}
