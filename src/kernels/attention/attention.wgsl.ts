import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { blocks, broadcastBlocks } from './blocks.wgsl.ts';
import { scoreTiles } from './scoreTiles.wgsl.ts';

type Dims = 'nCtx' | 'nState' | 'width';

export const variants: readonly WgslVariant<Dims, 'nHead' | 'rounded' | 'halves'>[] = [
  scoreTiles,
  {
    // For heads of any size: a workgroup takes 64 queries of one head, a thread one; 16 keys and values at a time lie in workgroup memory.
    name: 'sharedKeys',
    suits: 'hardware',
    vec4: ['qkv', 'y'],
    groups: ({ dims, params }) => [Math.ceil(dims.nCtx / 64), params.nHead, 1],
    wgsl: ({ dims: { nCtx, nState, width }, params: { nHead } }) => {
      const vectors = nState / nHead / 4;
      const each = (line: (d: number) => string): string => unroll(vectors, line);
      return /* wgsl */ `
var<workgroup> keyTile: array<array<vec4f, ${vectors}>, 16>;
var<workgroup> valueTile: array<array<vec4f, ${vectors}>, 16>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let query = group.x * 64u + thread;
  let head = group.y * ${vectors}u;
  let at = min(query, ${nCtx - 1}u) * ${width / 4}u + head;
${each((d) => `  let q${d} = qkv[at + ${d}u] * ${f32(1 / Math.sqrt(4 * vectors))};\n  var o${d} = vec4f();`)}
  var top = ${LOWEST};
  var sum = 0f;
  for (var key0 = 0u; key0 < ${nCtx}u; key0 += 16u) {
    for (var i = thread; i < ${16 * vectors}u; i += 64u) {
      let keyAt = min(key0 + i / ${vectors}u, ${nCtx - 1}u) * ${width / 4}u + ${nState / 4}u + head + i % ${vectors}u;
      keyTile[i / ${vectors}u][i % ${vectors}u] = qkv[keyAt];
      valueTile[i / ${vectors}u][i % ${vectors}u] = qkv[keyAt + ${nState / 4}u];
    }
    workgroupBarrier();
    for (var key = 0u; key < min(16u, ${nCtx}u - key0); key++) {
      var score = 0f;
${each((d) => `      score += dot(q${d}, keyTile[key][${d}]);`)}
      if (score > top) {
        let shrink = exp(top - score);
        top = score;
        sum *= shrink;
${each((d) => `        o${d} *= shrink;`)}
      }
      let weight = exp(score - top);
      sum += weight;
${each((d) => `      o${d} += weight * valueTile[key][${d}];`)}
    }
    workgroupBarrier();
  }
  if (query >= ${nCtx}u) { return; }
  let to = query * ${nState / 4}u + head;
${each((d) => `  y[to + ${d}u] = o${d} / sum;`)}
}`;
    },
  },
  broadcastBlocks,
  blocks,
];
