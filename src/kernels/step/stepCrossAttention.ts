/**
 * Cross-attention of a step: each row's query attends over its window's sound, split over workgroups.
 * q: [rows, parts, nState], of which the sum over parts counts; keys, values: [slots, nCtx, nState]; rowState:
 * sampling/decodeState.ts; partial: [rows, nHead, splits, headDim + 4], partial.ts.
 * @see crossAttention.ts: the same for any number of rows and in any panels; mergeMatmul.ts: what merges the splits
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { fillRowState, ROW_STATE } from '../sampling/decodeState.ts';
import { partsProblem } from './cut.ts';
import { summed } from './normalized.ts';
import { partialWidth, referenceSplits } from './partial.ts';

export const stepCrossAttention = defineKernel({
  name: 'stepCrossAttention',
  args: {
    q: { access: 'read', dtype: 'f32', dims: ['rows', 'qWidth'] },
    // In panels of one position, crossCache.ts.
    keys: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState', 1] },
    values: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 1, 'nCtx', 'nState'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    partial: { access: 'write', dtype: 'f32', dims: ['rows', 'partialWidth'] },
  },
  params: { nHead: 1 },
  check: (d, { nHead }) =>
    partsProblem('q', d.qWidth, d.nState) ??
    partsProblem('partial', d.partialWidth, partialWidth(d.nState, nHead, 1)) ??
    (d.nState % (4 * nHead) > 0 ? `${nHead} heads do not divide ${d.nState} in fours` : undefined),
  cost: ({ rows, nCtx, nState }) => ({ flops: 4 * rows * nCtx * nState, bytes: 8 * nCtx * nState }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).stepCrossAttention },
});

export const reference: Reference<typeof stepCrossAttention> = (
  { q, keys, values, rowState, partial },
  { nCtx, nState, qWidth, partialWidth: width },
  { nHead },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const at = (key: number): number => (rowState[ROW_STATE.at(row, 'audio')]! * nCtx + key) * nState;
    referenceSplits({
      partial: partial.subarray(row * width, (row + 1) * width),
      nHead,
      query: summed(q.subarray(row * qWidth, (row + 1) * qWidth), nState),
      count: nCtx,
      key: (key, i) => keys[at(key) + i]!,
      value: (key, i) => values[at(key) + i]!,
    });
  }
};

function sizes(
  rows: number,
  [nHead, headDim]: readonly [number, number],
  nCtx: number,
  [parts, splits]: readonly [number, number],
  slots: number,
  more?: Partial<KernelCase>,
): KernelCase {
  const nState = nHead * headDim;
  return {
    dims: {
      ...{ rows, nState, nCtx, slots },
      qWidth: parts * nState,
      partialWidth: partialWidth(nState, nHead, splits),
    },
    params: { nHead },
    fill: { rowState: fillRowState(1, nCtx, slots) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, [1, 4], 1, [1, 1], 1, { note: 'one key' }),
  /* @__PURE__ */ sizes(3, [2, 12], 9, [2, 4], 2, { note: 'rows of two windows, a split without keys' }),
  /* @__PURE__ */ sizes(8, [2, 64], 130, [3, 2], 1, { liveRows: 5 }),
  /* @__PURE__ */ sizes(5, [6, 64], 300, [4, 5], 1, { note: 'five beams' }),
  /* @__PURE__ */ sizes(1, [6, 64], 1500, [4, 22], 1, { bench: true, note: 'one token, tiny' }),
];

/** Sums of the weights of at most 1500 keys, each below 1. */
export const tolerance = (): Tolerance => ({ absolute: 4e-6, relative: 2e-6 });
