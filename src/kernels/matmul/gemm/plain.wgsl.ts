/** One thread an output, any sizes: the reference of the other shapes, and what odd sizes run. */
import type { Grid } from '../../../engine/wgsl/variant.ts';
import type { Gemm, GemmShape } from './gemm.ts';

export const plain: GemmShape = { name: 'plain', groups: plainGroups, wgsl: plainText };

/** x and w bound value by value. */
function plainText({ n, k, panelWidth, xStride, put }: Gemm): string {
  return /* wgsl */ `
${put}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let j = id.x;
  let row = id.y;
  if (j >= ${n}u) { return; }
  var at = (j / ${panelWidth}u) * ${k * panelWidth}u + j % ${panelWidth}u;
  var sum = 0f;
  for (var i = 0u; i < ${k}u; i++) {
    sum += x[row * ${xStride}u + i] * load_w(at);
    at += ${panelWidth}u;
  }
  put(row, j, sum);
}`;
}

function plainGroups(p: Gemm, liveRows: number): Grid {
  return [Math.ceil(p.n / 64), liveRows, 1];
}
