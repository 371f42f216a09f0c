import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

export const variants: readonly WgslVariant<'width' | 'nCtx' | 'nState' | 'keyPanel'>[] = [
  {
    // One thread four elements of a position, see kvAppend.wgsl.ts.
    name: 'threadPerFour',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    when: ({ dims }) => dims.keyPanel === 1,
    vec4: ['kv', 'keys', 'values'],
    groups: ({ dims: { nState, nCtx } }) => [Math.ceil(nState / 256), nCtx, 1],
    wgsl: ({ dims: { nState, nCtx, width } }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let t = id.y;
  if (i >= ${nState / 4}u) { return; }
  let to = (slot[0] * ${nCtx}u + t) * ${nState / 4}u + i;
  store4_keys(to, kv[t * ${width / 4}u + i]);
  store4_values(to, kv[t * ${width / 4}u + ${nState / 4}u + i]);
}`,
  },
];
