/**
 * What one head of the cross-attention looks at, before its softmax: scores = q K^T / sqrt(headDim).
 * q: [rows, nState]; keys: in panels, crossCache.ts; rowState: [rows, 4] (sampling/decodeState.ts); scores: [rows, nCtx].
 *
 * Only word times need it, for the few heads that follow the sound, one head at a time: so it reads the queries of a
 * finished pass and stays out of the decoding step. @see openai/whisper, whisper/timing.py
 */

import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { fillRowState, ROW_STATE } from '../sampling/decodeState.ts';
import { keyIndex } from './crossCache.ts';

export const crossQK = defineKernel({
  name: 'crossQK',
  args: {
    q: { access: 'read', dtype: 'f32', dims: ['rows', 'nState'] },
    keys: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 'keyPanels', 'nState', 'keyPanel'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    scores: { access: 'write', dtype: 'f32', dims: ['rows', 'nCtx'] },
  },
  params: { nHead: 1, head: 0 },
  check: ({ nState }, { nHead, head }) =>
    nState % (4 * nHead) !== 0
      ? `${nHead} heads do not divide ${nState} in fours`
      : head < nHead
        ? undefined
        : `there is no head ${head} among ${nHead}`,
  cost: ({ rows, nCtx, nState }, { nHead }) => ({
    flops: (2 * rows * nCtx * nState) / nHead,
    bytes: (4 * nCtx * nState) / nHead + 4 * rows * nCtx,
  }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).crossQK,
    wasm: async () => (await import('../wasm.ts')).crossQK,
  },
});

export const reference: Reference<typeof crossQK> = (
  { q, keys, rowState, scores },
  dims,
  { nHead, head },
  liveRows,
) => {
  const { nCtx, nState } = dims;
  const headDim = nState / nHead;
  for (let row = 0; row < liveRows; row++) {
    const slot = rowState[ROW_STATE.at(row, 'audio')]!;
    for (let key = 0; key < nCtx; key++) {
      let sum = 0;
      for (let i = head * headDim; i < (head + 1) * headDim; i++)
        sum += q[row * nState + i]! * keys[keyIndex(dims, slot, key, i)]!;
      scores[row * nCtx + key] = sum / Math.sqrt(headDim);
    }
  }
};

function sizes(
  rows: number,
  nHead: number,
  headDim: number,
  head: number,
  nCtx: number,
  more?: Partial<KernelCase>,
): KernelCase {
  return {
    dims: { rows, nState: nHead * headDim, nCtx, slots: 2, keyPanels: Math.ceil(nCtx / 16), keyPanel: 16 },
    params: { nHead, head },
    fill: { rowState: fillRowState(1, 1, 2) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 4, 0, 1),
  /* @__PURE__ */ sizes(3, 3, 8, 2, 65),
  /* @__PURE__ */ sizes(7, 6, 64, 5, 130, { liveRows: 4 }),
  /* @__PURE__ */ sizes(60, 6, 64, 3, 1500, { bench: true, note: 'a sentence, tiny' }),
];

export const tolerance = (): Tolerance => ({ absolute: 1e-5, relative: 0 });
