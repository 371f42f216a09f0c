/**
 * Self-attention of a step: each row's new key and value go into the cache, and its query attends over the keys up to its own, split
 * over workgroups.
 *
 * qkv: [rows, parts, 3 nState], of which the sum over parts counts; keys, values: [slots, nCtx, nState]; rowState:
 * sampling/decodeState.ts; slotOf: [slots, nCtx], cachedAttention.ts; partial: [rows, nHead, splits, headDim + 4], partial.ts.
 *
 *   keys[sequence, position] = k;  values[sequence, position] = v
 *
 * Each row is a sequence of its own. Its new key and value count as they are, whatever they become in the cache.
 * @see kvAppend.ts, cachedAttention.ts: what it fuses; mergeMatmul.ts: what merges the splits
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { partsProblem } from './cut.ts';
import { summed } from './normalized.ts';
import { partialWidth, referenceSplits } from './partial.ts';

export const stepAttention = defineKernel({
  name: 'stepAttention',
  args: {
    qkv: { access: 'read', dtype: 'f32', dims: ['rows', 'qkvWidth'] },
    keys: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'readwrite', dtype: CACHE_TYPES, dims: ['slots', 'nCtx', 'nState'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    slotOf: { access: 'read', dtype: 'u32', dims: ['slots', 'nCtx'] },
    partial: { access: 'write', dtype: 'f32', dims: ['rows', 'partialWidth'] },
  },
  params: { nHead: 1 },
  check: (d, { nHead }) =>
    partsProblem('qkv', d.qkvWidth, 3 * d.nState) ??
    partsProblem('partial', d.partialWidth, partialWidth(d.nState, nHead, 1)) ??
    (d.nState % (4 * nHead) > 0 ? `${nHead} heads do not divide ${d.nState} in fours` : undefined),
  cost: ({ rows, nCtx, nState }) => ({ flops: 4 * rows * nCtx * nState, bytes: 8 * rows * nCtx * nState }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).stepAttention },
});

export const reference: Reference<typeof stepAttention> = (
  { qkv, keys, values, rowState, slotOf, partial },
  { nCtx, nState, qkvWidth, partialWidth: width },
  { nHead },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const own = summed(qkv.subarray(row * qkvWidth, (row + 1) * qkvWidth), 3 * nState);
    const sequence = rowState[ROW_STATE.at(row, 'sequence')]!;
    const position = rowState[ROW_STATE.at(row, 'position')]!;
    const place = (sequence * nCtx + position) * nState;
    keys.set(own.subarray(nState, 2 * nState), place);
    values.set(own.subarray(2 * nState), place);
    const at = (key: number): number => (slotOf[sequence * nCtx + key]! * nCtx + key) * nState;
    referenceSplits({
      partial: partial.subarray(row * width, (row + 1) * width),
      nHead,
      query: own.subarray(0, nState),
      count: position + 1,
      key: (key, i) => (key === position ? own[nState + i]! : keys[at(key) + i]!),
      value: (key, i) => (key === position ? own[2 * nState + i]! : values[at(key) + i]!),
    });
  }
};

/** All at one position, so that no row reads what another writes. */
const beams =
  (position: number): Fill =>
  (state, d) => {
    for (let row = 0; row < d.rows!; row++)
      state.set(ROW_STATE.encode({ position, sequence: row }), row * ROW_STATE.width);
  };

const anySlot: Fill = (slotOf, d, random) => {
  for (let i = 0; i < slotOf.length; i++) slotOf[i] = Math.floor(random() * d.slots!);
};

const ownSlot: Fill = (slotOf, d) => {
  for (let i = 0; i < slotOf.length; i++) slotOf[i] = Math.floor(i / d.nCtx!);
};

/** Sequences from the last on, each at a position of its own. */
const apart: Fill = (state, d) => {
  for (let row = 0; row < d.rows!; row++)
    state.set(
      ROW_STATE.encode({ position: (7 * row + 3) % d.nCtx!, sequence: d.slots! - 1 - row }),
      row * ROW_STATE.width,
    );
};

function sizes(
  rows: number,
  [nHead, headDim]: readonly [number, number],
  nCtx: number,
  [parts, splits]: readonly [number, number],
  position: number,
  more?: Partial<KernelCase>,
): KernelCase {
  const nState = nHead * headDim;
  return {
    dims: {
      ...{ rows, nState, nCtx, slots: rows },
      qkvWidth: 3 * parts * nState,
      partialWidth: partialWidth(nState, nHead, splits),
    },
    params: { nHead },
    fill: { rowState: beams(position), slotOf: anySlot },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, [1, 4], 1, [1, 1], 0, { note: 'one key' }),
  /* @__PURE__ */ sizes(3, [2, 8], 7, [2, 3], 3, { note: 'a split without keys' }),
  /* @__PURE__ */ sizes(2, [3, 12], 40, [1, 2], 39),
  /* @__PURE__ */ sizes(5, [6, 64], 65, [2, 2], 64, { note: 'five beams' }),
  /* @__PURE__ */ sizes(8, [2, 64], 448, [4, 7], 300, { liveRows: 5 }),
  /* @__PURE__ */ sizes(6, [2, 16], 50, [1, 3], 0, {
    fill: { rowState: apart, slotOf: ownSlot },
    note: 'sequences at other positions',
  }),
  /* @__PURE__ */ sizes(1, [6, 64], 448, [2, 7], 447, { bench: true, note: 'the last token, tiny' }),
];

export const tolerance = (): Tolerance => ({ absolute: 4e-6, relative: 2e-6 });
