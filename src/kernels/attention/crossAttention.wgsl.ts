import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { fitsGroup, groupPerHead, type RowAttentionSizes, threadPerHead } from './rowAttention.wgsl.ts';

type Dims = 'rows' | 'nState' | 'nCtx' | 'keyPanel';

const takes = { keys: CACHE_TYPES, values: CACHE_TYPES };

export const variants: readonly WgslVariant<Dims, 'nHead'>[] = [
  {
    name: 'groupPerHead',
    suits: 'hardware',
    takes,
    when: ({ dims, params }) => dims.keyPanel === 1 && fitsGroup(sizes(dims, params)),
    vec4: ['q', 'keys', 'values', 'y'],
    groups: (c, liveRows) => [c.params.nHead, liveRows, 1],
    wgsl: ({ dims, params }) => groupPerHead(sizes(dims, params), keyPlace(dims.nCtx)),
  },
  {
    name: 'threadPerHead',
    suits: 'software',
    takes,
    when: ({ dims }) => dims.keyPanel === 1,
    groups: (c, liveRows) => [Math.ceil((liveRows * c.params.nHead) / 8), 1, 1],
    wgsl: ({ dims, params }) => threadPerHead(sizes(dims, params), keyPlace(dims.nCtx)),
  },
];

function sizes(dims: Readonly<Record<Dims, number>>, params: Readonly<Record<'nHead', number>>): RowAttentionSizes {
  return { ...dims, ...params, qWidth: dims.nState };
}

/** A row sees all positions of its window. */
function keyPlace(nCtx: number): string {
  return /* wgsl */ `
fn keyCount(row: u32) -> u32 { return ${nCtx}u; }
fn place(row: u32, key: u32) -> u32 { return ${ROW_STATE.wgsl('rowState', 'row').audio} * ${nCtx}u + key; }`;
}
