/**
 * Puts one window's cross-attention keys and values into its slot of the cache.
 * kv: [nCtx, 2 nState], k and v side by side; slot: [4], the slot's number first; keys, values: [slots, nCtx, nState].
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';

export const crossKvStore = defineKernel({
  name: 'crossKvStore',
  args: {
    kv: { access: 'read', dtype: 'f32', dims: ['nCtx', 'width'] },
    slot: { access: 'read', dtype: 'u32', dims: [4] },
    keys: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
  },
  params: {},
  check: ({ width, nState }) =>
    width !== 2 * nState
      ? `k and v of ${nState} are not ${width} wide`
      : nState % 4 === 0
        ? undefined
        : `${nState} is not a multiple of 4`,
  cost: ({ nCtx, nState }) => ({ flops: 0, bytes: 16 * nCtx * nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).crossKvStore,
    wasm: async () => (await import('../wasm.ts')).crossKvStore,
  },
});

export const reference: Reference<typeof crossKvStore> = ({ kv, slot, keys, values }, { nCtx, nState, width }) => {
  for (let t = 0; t < nCtx; t++)
    for (let i = 0; i < nState; i++) {
      const at = (slot[0]! * nCtx + t) * nState + i;
      keys[at] = kv[t * width + i]!;
      values[at] = kv[t * width + nState + i]!;
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

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 4, 1, 0),
  /* @__PURE__ */ sizes(7, 12, 3, 1),
  /* @__PURE__ */ sizes(65, 384, 2, 1),
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
