/**
 * Puts one window's cross-attention keys and values into its slot of the cache.
 * kv: [nCtx, 2 nState], k and v side by side; slot: [4], the slot's number first; keys, values: [slots, nCtx, nState].
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

export const storeCross = {
  name: 'storeCross',
  args: {
    kv: { access: 'read', dtype: 'f32', dims: ['nCtx', 'width'] },
    slot: { access: 'read', dtype: 'u32', dims: [4] },
    keys: { access: 'readwrite', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    values: { access: 'readwrite', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
  },
  params: {},
  check: (d) => (d.width === 2 * d.nState! ? undefined : `k and v of ${d.nState} are not ${d.width} wide`),
  cost: (d) => ({ flops: 0, bytes: 16 * d.nCtx! * d.nState! }),
  gpu: [
    {
      name: 'threadPerElement',
      groups: ({ dims: { nState, nCtx } }) => [Math.ceil(nState! / 64), nCtx!, 1],
      wgsl: ({ dims: { nState, nCtx, width } }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let t = id.y;
  if (i >= ${nState}u) { return; }
  let to = (slot[0] * ${nCtx}u + t) * ${nState}u + i;
  keys[to] = kv[t * ${width}u + i];
  values[to] = kv[t * ${width}u + ${nState}u + i];
}`,
    },
  ],
  // A unit is a position.
  cpu: [{ name: 'rows', units: (c) => c.dims.nCtx!, emit: emitRows }],
} as const satisfies Kernel;

function emitRows(w: ModuleBuilderLike, { dims }: KernelContext): FunctionBuilder {
  const { nCtx, nState, width } = dims;
  const f = kernelFunction(w, storeCross);
  const first = f.let(i32.mul(i32.load(f.args.slot), i32.const(nCtx!)));
  forUnits(f, (t) => {
    const source = f.let(at(f.args.kv, t, 4 * width!));
    const row = f.let(i32.add(first, t));
    copyFloats(f, at(f.args.keys, row, 4 * nState!), source, nState!);
    copyFloats(f, at(f.args.values, row, 4 * nState!), i32.add(source, i32.const(4 * nState!)), nState!);
  });
  return f;
}

export const reference: Reference = ({ kv, slot, keys, values }, { nCtx, nState, width }) => {
  for (let t = 0; t < nCtx!; t++)
    for (let i = 0; i < nState!; i++) {
      const at = (slot![0]! * nCtx! + t) * nState! + i;
      keys![at] = kv![t * width! + i]!;
      values![at] = kv![t * width! + nState! + i]!;
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

export const cases: readonly KernelCase[] = [sizes(1, 4, 1, 0), sizes(7, 12, 3, 1), sizes(65, 384, 2, 1)];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
