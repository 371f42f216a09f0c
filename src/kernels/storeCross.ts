/**
 * Puts one window's cross-attention keys and values into its slot of the cache.
 * kv: [nCtx, 2 nState], k and v side by side; slot: [4], the slot's number first; keys, values: [slots, nCtx, nState].
 */
import type { Kernel, KernelCase, Reference, Tolerance } from './contract.js';

export const storeCross = {
  name: 'storeCross',
  args: {
    kv: { access: 'read', dtype: 'f32', dims: ['nCtx', 'width'] },
    slot: { access: 'read', dtype: 'u32', dims: [4] },
    keys: { access: 'readwrite', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'readwrite', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
  },
  params: {},
  check: (d) => (d.width === 2 * d.nState! ? undefined : `k and v of ${d.nState} are not ${d.width} wide`),
  cost: (d) => ({ flops: 0, bytes: 16 * d.nCtx! * d.nState! }),
  gpu: [],
  cpu: [],
} as const satisfies Kernel;

export const reference: Reference = ({ kv, slot, keys, values }, { nCtx, nState, width }) => {
  for (let t = 0; t < nCtx!; t++)
    for (let i = 0; i < nState!; i++) {
      const at = (slot![0]! * nCtx! + t) * nState! + i;
      keys![at] = kv![t * width! + i]!;
      values![at] = kv![t * width! + nState! + i]!;
    }
};

function sizes(nCtx: number, nState: number, slots: number, slot: number): KernelCase {
  return {
    dims: { nCtx, nState, width: 2 * nState, slots },
    fill: {
      slot: (words) => {
        words[0] = slot;
      },
    },
  };
}

export const cases: readonly KernelCase[] = [sizes(1, 4, 1, 0), sizes(7, 12, 3, 1), sizes(65, 384, 2, 1)];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
