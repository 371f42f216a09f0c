import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';

export const variants: readonly WgslVariant<'rows' | 'width' | 'nCtx' | 'nState'>[] = [
  {
    // One thread four elements of a row: two of f16 share a word, which no two threads may write.
    name: 'threadPerFour',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    vec4: ['qkv', 'keys', 'values'],
    groups: (c, liveRows) => [Math.ceil(c.dims.nState / 256), liveRows, 1],
    wgsl: ({ dims: { nState, nCtx, width } }) => {
      const state = ROW_STATE.wgsl('rowState', 'row');
      return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let row = id.y;
  if (i >= ${nState / 4}u) { return; }
  let sequence = ${state.sequence};
  let place = sequence * ${nCtx}u + ${state.position};
  store4_keys(place * ${nState / 4}u + i, qkv[row * ${width / 4}u + ${nState / 4}u + i]);
  store4_values(place * ${nState / 4}u + i, qkv[row * ${width / 4}u + ${nState / 2}u + i]);
  if (i == 0u) { slotOf[place] = sequence; }
}`;
    },
  },
];
