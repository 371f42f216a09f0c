import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { fitsGroup, groupPerHead, threadPerHead } from './rowAttention.wgsl.ts';

type Dims = 'rows' | 'nState' | 'qWidth' | 'nCtx';

const takes = { keys: CACHE_TYPES, values: CACHE_TYPES };

export const variants: readonly WgslVariant<Dims, 'nHead'>[] = [
  {
    name: 'groupPerHead',
    suits: 'hardware',
    takes,
    when: ({ dims, params }) => fitsGroup({ ...dims, ...params }),
    vec4: ['q', 'keys', 'values', 'y'],
    groups: (c, liveRows) => [c.params.nHead, liveRows, 1],
    wgsl: (c) => groupPerHead({ ...c.dims, ...c.params }, keyPlace(c.dims.nCtx, c.has('slotOf'))),
  },
  {
    name: 'threadPerHead',
    suits: 'software',
    takes,
    groups: (c, liveRows) => [Math.ceil((liveRows * c.params.nHead) / 8), 1, 1],
    wgsl: (c) => threadPerHead({ ...c.dims, ...c.params }, keyPlace(c.dims.nCtx, c.has('slotOf'))),
  },
];

/** How many positions a row sees, and where each lies in the cache, in rows of nState. */
function keyPlace(nCtx: number, isMoved: boolean): string {
  const state = ROW_STATE.wgsl('rowState', 'row');
  return /* wgsl */ `
fn keyCount(row: u32) -> u32 { return min(${state.position} + 1u, ${nCtx}u); }
fn place(row: u32, key: u32) -> u32 {
  let own = ${state.sequence} * ${nCtx}u + key;
  return ${isMoved ? `slotOf[own] * ${nCtx}u + key` : 'own'};
}`;
}
