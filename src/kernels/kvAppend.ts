/**
 * Writes the new keys and values into the self-attention cache, in place.
 * qkv: [rows, 3 nState]; keys, values: [slots, nCtx, nState]; rowState, slotOf: see rowState.ts and attentionStep.ts.
 *
 *   keys[sequence, position] = k;  values[sequence, position] = v;  slotOf[sequence, position] = sequence
 */
import type { Kernel, KernelCase, Reference, Tolerance } from './contract.js';

export const kvAppend = {
  name: 'kvAppend',
  args: {
    qkv: { access: 'read', dtype: 'f32', dims: ['rows', 'width'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', 4] },
    keys: { access: 'readwrite', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'readwrite', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    slotOf: { access: 'readwrite', dtype: 'u32', dims: ['slots', 'nCtx'] },
  },
  params: {},
  check: (d) => (d.width === 3 * d.nState! ? undefined : `q, k and v of ${d.nState} are not ${d.width} wide`),
  cost: (d) => ({ flops: 0, bytes: 16 * d.rows! * d.nState! }),
  gpu: [],
  cpu: [],
} as const satisfies Kernel;

export const reference: Reference = (
  { qkv, rowState, keys, values, slotOf },
  { nCtx, nState, width },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const position = rowState![row * 4 + 1]!;
    const sequence = rowState![row * 4 + 2]!;
    const at = (sequence * nCtx! + position) * nState!;
    for (let i = 0; i < nState!; i++) {
      keys![at + i] = qkv![row * width! + nState! + i]!;
      values![at + i] = qkv![row * width! + 2 * nState! + i]!;
    }
    slotOf![sequence * nCtx! + position] = sequence;
  }
};

/** Distinct (sequence, position) pairs: two rows may not write one place. */
const distinct: NonNullable<KernelCase['fill']>[string] = (state, d, random) => {
  const shift = Math.floor(random() * d.nCtx!);
  for (let row = 0; row < d.rows!; row++) {
    state[row * 4 + 1] = (row + shift) % d.nCtx!;
    state[row * 4 + 2] = row % d.slots!;
  }
};

const slots: NonNullable<KernelCase['fill']>[string] = (slotOf, d, random) => {
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
  sizes(1, 4, 3, 1),
  sizes(5, 64, 11, 5),
  sizes(7, 384, 20, 1, 4),
  sizes(3, 36, 5, 2),
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
