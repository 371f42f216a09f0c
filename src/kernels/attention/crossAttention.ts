/**
 * Attention of a few new rows against a window's sound: y = softmax(q K^T / sqrt(headDim)) V for each head, over all nCtx
 * positions of slot `audio`, which all rows of a window share.
 * q, y: [rows, nState]; keys and values in panels, see crossCache.ts.
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { fillRowState, ROW_STATE } from '../sampling/decodeState.ts';
import { crossPanels, crossPanelsProblem, keyIndex, valueIndex } from './crossCache.ts';

export const crossAttention = defineKernel({
  name: 'crossAttention',
  args: {
    q: { access: 'read', dtype: 'f32', dims: ['rows', 'nState'] },
    keys: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 'keyPanels', 'nState', 'keyPanel'] },
    values: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 'valuePanels', 'nCtx', 'valuePanel'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: { nHead: 1 },
  check: (dims, { nHead }) =>
    dims.nState % (4 * nHead) !== 0 ? `${nHead} heads do not divide ${dims.nState} in fours` : crossPanelsProblem(dims),
  cost: ({ rows, nCtx, nState }) => ({ flops: 4 * rows * nCtx * nState, bytes: 8 * nCtx * nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).crossAttention,
    wasm: async () => (await import('../wasm.ts')).crossAttention,
  },
});

export const reference: Reference<typeof crossAttention> = (
  { q, keys, values, rowState, y },
  dims,
  { nHead },
  liveRows,
) => {
  const { nCtx, nState } = dims;
  const headDim = nState / nHead;
  const weights = new Float64Array(nCtx);
  for (let row = 0; row < liveRows; row++) {
    const slot = rowState[ROW_STATE.at(row, 'audio')]!;
    for (let head = 0; head < nHead; head++) {
      const [begin, end] = [head * headDim, (head + 1) * headDim];
      let max = Number.NEGATIVE_INFINITY;
      for (let t = 0; t < nCtx; t++) {
        let score = 0;
        for (let i = begin; i < end; i++) score += q[row * nState + i]! * keys[keyIndex(dims, slot, t, i)]!;
        weights[t] = score / Math.sqrt(headDim);
        max = Math.max(max, weights[t]!);
      }
      let sum = 0;
      for (let t = 0; t < nCtx; t++) sum += weights[t] = Math.exp(weights[t]! - max);
      for (let i = begin; i < end; i++) {
        let value = 0;
        for (let t = 0; t < nCtx; t++) value += weights[t]! * values[valueIndex(dims, slot, t, i)]!;
        y[row * nState + i] = value / sum;
      }
    }
  }
};

/** Panels of 16: where a case runs they become the device's (lab/checkKernel.ts). */
function sizes(
  rows: number,
  nHead: number,
  headDim: number,
  nCtx: number,
  slots: number,
  more?: Partial<KernelCase>,
): KernelCase {
  const nState = nHead * headDim;
  return {
    dims: { rows, nState, nCtx, slots, ...crossPanels({ nCtx, nState }, nHead, 16) },
    params: { nHead },
    fill: { rowState: fillRowState(1, nCtx, slots) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 64, 3, 1),
  /* @__PURE__ */ sizes(1, 2, 4, 1, 1, { note: 'one key' }),
  /* @__PURE__ */ sizes(5, 2, 64, 129, 2, { note: 'rows of two windows' }),
  /* @__PURE__ */ sizes(4, 3, 16, 63, 1, { liveRows: 3 }),
  /* @__PURE__ */ sizes(9, 3, 8, 50, 1, { note: 'more rows than share loads' }),
  /* @__PURE__ */ sizes(12, 2, 64, 40, 3, { liveRows: 11 }),
  /* @__PURE__ */ sizes(1, 6, 64, 1500, 1, { bench: true, note: 'one token, tiny' }),
  /* @__PURE__ */ sizes(5, 6, 64, 1500, 1, { bench: true, note: 'five beams, tiny' }),
];

export const tolerance = (): Tolerance => ({ absolute: 2e-6, relative: 2e-6 });
