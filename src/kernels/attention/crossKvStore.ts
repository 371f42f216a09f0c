/**
 * Puts one window's cross-attention keys and values into its slot of the cache.
 * kv: [nCtx, 2 nState], k and v side by side; slot: [4], the slot's number first; keys, values: in panels, crossCache.ts. A
 * panel of keys that is not full repeats the last position.
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { crossPanels, crossPanelsProblem, keyIndex, valueIndex } from './crossCache.ts';

export const crossKvStore = defineKernel({
  name: 'crossKvStore',
  args: {
    kv: { access: 'read', dtype: 'f32', dims: ['nCtx', 'width'] },
    slot: { access: 'read', dtype: 'u32', dims: [4] },
    keys: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'keyPanels', 'nState', 'keyPanel'] },
    values: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'valuePanels', 'nCtx', 'valuePanel'] },
  },
  params: {},
  check: (dims) =>
    dims.width === 2 * dims.nState && dims.nState % 4 === 0 ? crossPanelsProblem(dims) : 'panels and sizes differ',
  cost: ({ nCtx, nState }) => ({ flops: 0, bytes: 16 * nCtx * nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).crossKvStore,
    wasm: async () => (await import('../wasm.ts')).crossKvStore,
  },
});

export const reference: Reference<typeof crossKvStore> = ({ kv, slot, keys, values }, dims) => {
  const { nCtx, nState, width, keyPanels, keyPanel } = dims;
  for (let i = 0; i < nState; i++) {
    for (let t = 0; t < keyPanels * keyPanel; t++)
      keys[keyIndex(dims, slot[0]!, t, i)] = kv[Math.min(t, nCtx - 1) * width + i]!;
    for (let t = 0; t < nCtx; t++) values[valueIndex(dims, slot[0]!, t, i)] = kv[t * width + nState + i]!;
  }
};

function sizes(nCtx: number, nState: number, nHead: number, slots: number, slot: number): KernelCase {
  return {
    dims: { nCtx, nState, width: 2 * nState, slots, ...crossPanels({ nCtx, nState }, nHead, 16) },
    fill: {
      slot: (words) => {
        words[0] = slot;
      },
    },
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 4, 1, 1, 0),
  /* @__PURE__ */ sizes(7, 12, 3, 3, 1),
  /* @__PURE__ */ sizes(48, 32, 4, 2, 0),
  /* @__PURE__ */ sizes(65, 384, 6, 2, 1),
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
