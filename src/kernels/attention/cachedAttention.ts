/**
 * Self-attention of a few new rows against a cache: y = softmax(q K^T / sqrt(headDim)) V for each head.
 * q: the first nState columns of [rows, qWidth]; keys, values: [slots, nCtx, nState]; y: [rows, nState].
 *
 * Row r sees positions 0 to its own. Position p of its sequence s lies in the cache of slot `slotOf[s, p]` ([slots, nCtx]),
 * so that beams are rearranged by an index and no K or V is copied.
 * One softmax over the whole row: scores of at most 448 keys a row and head fit anywhere.
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { fillRowState, ROW_STATE } from '../sampling/decodeState.ts';

export const cachedAttention = defineKernel({
  name: 'cachedAttention',
  args: {
    q: { access: 'read', dtype: 'f32', dims: ['rows', 'qWidth'] },
    keys: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'read', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    slotOf: { access: 'read', dtype: 'u32', dims: ['slots', 'nCtx'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: { nHead: 1 },
  check: ({ qWidth, nState }, { nHead }) =>
    qWidth < nState
      ? `q is ${qWidth} wide, less than ${nState}`
      : nState % (4 * nHead) !== 0
        ? `${nHead} heads do not divide ${nState} in fours`
        : undefined,
  cost: ({ rows, nCtx, nState }) => ({ flops: 4 * rows * nCtx * nState, bytes: 8 * nCtx * nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).cachedAttention,
    wasm: async () => (await import('../wasm.ts')).cachedAttention,
  },
});

export const reference: Reference<typeof cachedAttention> = (
  { q, keys, values, rowState, slotOf, y },
  { nCtx, nState, qWidth },
  { nHead },
  liveRows,
) => {
  const headDim = nState / nHead;
  const weights = new Float64Array(nCtx);
  for (let row = 0; row < liveRows; row++) {
    const sequence = rowState[ROW_STATE.at(row, 'sequence')]!;
    const count = rowState[ROW_STATE.at(row, 'position')]! + 1;
    const at = (key: number): number => {
      const slot = slotOf ? slotOf[sequence * nCtx + key]! : sequence;
      return (slot * nCtx + key) * nState;
    };
    for (let head = 0; head < nHead; head++) {
      let max = Number.NEGATIVE_INFINITY;
      for (let key = 0; key < count; key++) {
        let score = 0;
        for (let i = head * headDim; i < (head + 1) * headDim; i++) score += q[row * qWidth + i]! * keys[at(key) + i]!;
        weights[key] = score / Math.sqrt(headDim);
        max = Math.max(max, weights[key]!);
      }
      let sum = 0;
      for (let key = 0; key < count; key++) sum += weights[key] = Math.exp(weights[key]! - max);
      for (let i = head * headDim; i < (head + 1) * headDim; i++) {
        let value = 0;
        for (let key = 0; key < count; key++) value += weights[key]! * values[at(key) + i]!;
        y[row * nState + i] = value / sum;
      }
    }
  }
};

const slots: Fill = (slotOf, d, random) => {
  for (let i = 0; i < slotOf.length; i++) slotOf[i] = Math.floor(random() * d.slots!);
};

function sizes(
  rows: number,
  nHead: number,
  headDim: number,
  nCtx: number,
  slotCount: number,
  more?: Partial<KernelCase>,
): KernelCase {
  const nState = nHead * headDim;
  return {
    dims: { rows, nState, qWidth: 3 * nState, nCtx, slots: slotCount },
    params: { nHead },
    fill: { rowState: fillRowState(1, nCtx, slotCount), slotOf: slots },
    ...more,
  };
}

const lastPosition: Fill = (state, d) => {
  for (let row = 0; row < d.rows!; row++) state[ROW_STATE.at(row, 'position')] = d.nCtx! - 1;
};

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 4, 1, 1, { note: 'one key' }),
  /* @__PURE__ */ sizes(3, 2, 8, 7, 2),
  /* @__PURE__ */ sizes(5, 6, 64, 65, 5, { note: 'five beams' }),
  /* @__PURE__ */ sizes(8, 2, 64, 448, 8, { liveRows: 5 }),
  /* @__PURE__ */ sizes(1, 6, 64, 448, 1, { fill: { rowState: lastPosition } }),
  /* @__PURE__ */ sizes(3, 2, 8, 20, 3, { optional: [], note: 'each sequence in its own slot' }),
];

export const tolerance = (): Tolerance => ({ absolute: 2e-6, relative: 2e-6 });
