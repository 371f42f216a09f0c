import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';

export const variants: readonly WgslVariant<'nState' | 'panelWidth', 'begin' | 'count'>[] = [
  {
    name: 'threadPerElement',
    takes: { table: WEIGHT_TYPES },
    groups: (c, liveRows) => [Math.ceil(c.dims.nState / 64), liveRows, 1],
    wgsl: ({ dims: { nState, panelWidth }, params: { begin, count } }) => {
      const state = ROW_STATE.wgsl('rowState', 'row');
      return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let row = id.y;
  let token = ${state.token};
  if (i >= ${nState}u || token < ${begin}u || token - ${begin}u >= ${count}u) { return; }
  let n = token - ${begin}u;
  let at = ((n / ${panelWidth}u) * ${nState}u + i) * ${panelWidth}u + n % ${panelWidth}u;
  y[row * ${nState}u + i] = load_table(at) + positions[${state.position} * ${nState}u + i];
}`;
    },
  },
];
