import { ROW_STATE } from '../sampling/decodeState.ts';
import { rowAttention } from './rowAttention.wgsl.ts';

/** A row sees its sequence's positions up to its own, each in the slot that it was moved to. */
export const variants = /* @__PURE__ */ rowAttention<'nState' | 'qWidth' | 'nCtx'>({
  sizes: ({ dims, params }) => ({ ...dims, ...params }),
  keyPlace({ dims: { nCtx }, has }) {
    const state = ROW_STATE.wgsl('rowState', 'row');
    return /* wgsl */ `
fn keyCount(row: u32) -> u32 { return min(${state.position} + 1u, ${nCtx}u); }
fn place(row: u32, key: u32) -> u32 {
  let own = ${state.sequence} * ${nCtx}u + key;
  return ${has('slotOf') ? `slotOf[own] * ${nCtx}u + key` : 'own'};
}`;
  },
  hasRows: () => true,
});
