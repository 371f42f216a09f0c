/**
 * Writes the new keys and values into the self-attention cache, in place.
 * qkv: [rows, 3 nState]; keys, values: [slots, nCtx, nState]; rowState, slotOf: sampling/decodeState.ts, cachedAttention.ts.
 *
 *   keys[sequence, position] = k;  values[sequence, position] = v;  slotOf[sequence, position] = sequence
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';

export const kvAppend = defineKernel({
  name: 'kvAppend',
  args: {
    qkv: { access: 'read', dtype: 'f32', dims: ['rows', 'width'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    keys: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    slotOf: { access: 'readwrite', dtype: 'u32', dims: ['slots', 'nCtx'] },
  },
  params: {},
  check: ({ width, nState }) =>
    width !== 3 * nState
      ? `q, k and v of ${nState} are not ${width} wide`
      : nState % 4 === 0
        ? undefined
        : `${nState} is not a multiple of 4`,
  cost: ({ rows, nState }) => ({ flops: 0, bytes: 16 * rows * nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).kvAppend,
    wasm: async () => (await import('../wasm.ts')).kvAppend,
  },
});

export const reference: Reference<typeof kvAppend> = (
  { qkv, rowState, keys, values, slotOf },
  { nCtx, nState, width },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const position = rowState[ROW_STATE.at(row, 'position')]!;
    const sequence = rowState[ROW_STATE.at(row, 'sequence')]!;
    const at = (sequence * nCtx + position) * nState;
    for (let i = 0; i < nState; i++) {
      keys[at + i] = qkv[row * width + nState + i]!;
      values[at + i] = qkv[row * width + 2 * nState + i]!;
    }
    slotOf[sequence * nCtx + position] = sequence;
  }
};

/** Distinct (sequence, position) pairs: two rows may not write one place. */
const distinct: Fill = (state, d, random) => {
  const shift = Math.floor(random() * d.nCtx!);
  for (let row = 0; row < d.rows!; row++) {
    state[row * 4 + 1] = (row + shift) % d.nCtx!;
    state[ROW_STATE.at(row, 'sequence')] = row % d.slots!;
  }
};

const slots: Fill = (slotOf, d, random) => {
  for (let i = 0; i < slotOf.length; i++) slotOf[i] = Math.floor(random() * d.slots!);
};

function sizes(rows: number, nState: number, nCtx: number, slotCount: number, liveRows = rows): KernelCase {
  return {
    dims: { rows, nState, width: 3 * nState, nCtx, slots: slotCount },
    fill: { rowState: distinct, slotOf: slots },
    liveRows,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 4, 3, 1),
  /* @__PURE__ */ sizes(5, 64, 11, 5),
  /* @__PURE__ */ sizes(7, 384, 20, 1, 4),
  /* @__PURE__ */ sizes(3, 36, 5, 2),
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
