import { ROW_STATE } from '../sampling/decodeState.ts';
import { rowAttention } from './rowAttention.wgsl.ts';

/** A row sees all positions of its window. */
export const variants = /* @__PURE__ */ rowAttention<'nState' | 'nCtx' | 'keyPanel'>({
  sizes: ({ dims, params }) => ({ ...dims, ...params, qWidth: dims.nState }),
  keyPlace: ({ dims: { nCtx } }) => /* wgsl */ `
fn keyCount(row: u32) -> u32 { return ${nCtx}u; }
fn place(row: u32, key: u32) -> u32 { return ${ROW_STATE.wgsl('rowState', 'row').audio} * ${nCtx}u + key; }`,
  hasRows: ({ dims }) => dims.keyPanel === 1,
});
