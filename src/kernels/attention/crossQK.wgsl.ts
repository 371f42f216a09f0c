import { CACHE_TYPES } from '../../engine/dtype.ts';
import { f32, unroll } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';

export const variants: readonly WgslVariant<'rows' | 'nState' | 'nCtx' | 'keyPanel', 'nHead' | 'head'>[] = [
  {
    // One thread a row and key.
    name: 'threadPerKey',
    takes: { keys: CACHE_TYPES },
    when: ({ dims }) => dims.keyPanel === 1,
    vec4: ['q', 'keys'],
    groups: (c, liveRows) => [Math.ceil(c.dims.nCtx / 64), liveRows, 1],
    wgsl: ({ dims: { nCtx, nState }, params: { nHead, head } }) => {
      const vectors = nState / nHead / 4;
      const width = nState / 4;
      return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let key = id.x;
  if (key >= ${nCtx}u) { return; }
  let at = row * ${width}u + ${head * vectors}u;
  let keyAt = (${ROW_STATE.wgsl('rowState', 'row').audio} * ${nCtx}u + key) * ${width}u + ${head * vectors}u;
  var products = vec4f();
${unroll(vectors, (d) => `  products += q[at + ${d}u] * load4_keys(keyAt + ${d}u);`)}
  scores[row * ${nCtx}u + key] = dot(products, vec4f(1f)) * ${f32(1 / Math.sqrt(4 * vectors))};
}`;
    },
  },
];
