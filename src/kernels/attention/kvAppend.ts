/**
 * Writes the new keys and values into the self-attention cache, in place.
 * qkv: [rows, 3 nState]; keys, values: [slots, nCtx, nState]; rowState, slotOf: see rowState.ts and attentionStep.ts.
 *
 *   keys[sequence, position] = k;  values[sequence, position] = v;  slotOf[sequence, position] = sequence
 */

import type {
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { copyFloats } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forUnits, kernelFunction } from '../../engine/wasm/signature.ts';

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
  gpu: [
    {
      name: 'threadPerElement',
      groups: (c, liveRows) => [Math.ceil(c.dims.nState! / 64), liveRows, 1],
      wgsl: ({ dims: { nState, nCtx, width } }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let row = id.y;
  if (i >= ${nState}u) { return; }
  let sequence = rowState[row * 4u + 2u];
  let place = sequence * ${nCtx}u + rowState[row * 4u + 1u];
  keys[place * ${nState}u + i] = qkv[row * ${width}u + ${nState}u + i];
  values[place * ${nState}u + i] = qkv[row * ${width}u + ${2 * nState!}u + i];
  if (i == 0u) { slotOf[place] = sequence; }
}`,
    },
  ],
  // A unit is a row.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

function emitRows(w: ModuleBuilderLike, { dims }: KernelContext): FunctionBuilder {
  const { nCtx, nState, width } = dims;
  const f = kernelFunction(w, kvAppend);
  const { qkv, rowState, keys, values, slotOf } = f.args;
  forUnits(f, (row) => {
    const state = f.let(at(rowState, row, 16));
    const sequence = f.let(i32.load(state, 8));
    const place = f.let(i32.add(i32.mul(sequence, i32.const(nCtx!)), i32.load(state, 4)));
    const source = f.let(at(qkv, row, 4 * width!));
    copyFloats(f, at(keys, place, 4 * nState!), i32.add(source, i32.const(4 * nState!)), nState!);
    copyFloats(f, at(values, place, 4 * nState!), i32.add(source, i32.const(8 * nState!)), nState!);
    f.do(i32.store(at(slotOf, place, 4), sequence));
  });
  return f;
}

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
