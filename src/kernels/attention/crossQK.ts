/**
 * What one head of the cross-attention looks at, before its softmax: scores = q K^T / sqrt(headDim).
 * q: [rows, nState]; keys: [slots, nCtx, nState]; rowState: [rows, 4] (rowState.ts); scores: [rows, nCtx].
 *
 * Only word times need it, for the few heads that follow the sound, one head at a time: so it reads the queries of a
 * finished pass and stays out of the decoding step. @see openai/whisper, whisper/timing.py
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
import { first, sumOfLanes } from '../../engine/wasm/math.ts';
import { f32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import { f32 as literal, unroll } from '../../engine/wgsl.ts';
import { fillRowState } from '../embed/embed.ts';

export const crossScores = {
  name: 'crossScores',
  args: {
    q: { access: 'read', dtype: 'f32', dims: ['rows', 'nState'] },
    keys: { access: 'read', dtype: 'f32', dims: ['slots', 'nCtx', 'nState'] },
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', 4] },
    scores: { access: 'write', dtype: 'f32', dims: ['rows', 'nCtx'] },
  },
  params: { nHead: 1, head: 0 },
  check: (d, p) =>
    d.nState! % (4 * p.nHead!) !== 0
      ? `${p.nHead} heads do not divide ${d.nState} in fours`
      : p.head! < p.nHead!
        ? undefined
        : `there is no head ${p.head} among ${p.nHead}`,
  cost: (d, p) => ({
    flops: (2 * d.rows! * d.nCtx! * d.nState!) / p.nHead!,
    bytes: (4 * d.nCtx! * d.nState!) / p.nHead! + 4 * d.rows! * d.nCtx!,
  }),
  gpu: [
    {
      // One thread a row and key.
      name: 'threadPerKey',
      vec4: ['q', 'keys'],
      groups: (c, liveRows) => [Math.ceil(c.dims.nCtx! / 64), liveRows, 1],
      wgsl: (c) => {
        const { nCtx, nState } = c.dims;
        const vectors = headVectors(c);
        const width = nState! / 4;
        return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let key = id.x;
  if (key >= ${nCtx}u) { return; }
  let at = row * ${width}u + ${c.params.head! * vectors}u;
  let keyAt = (rowState[row * 4u + 3u] * ${nCtx}u + key) * ${width}u + ${c.params.head! * vectors}u;
  var products = vec4f();
${unroll(vectors, (d) => `  products += q[at + ${d}u] * keys[keyAt + ${d}u];`)}
  scores[row * ${nCtx}u + key] = dot(products, vec4f(1f)) * ${literal(1 / Math.sqrt(4 * vectors))};
}`;
      },
    },
  ],
  // A unit is a row.
  cpu: [{ name: 'dots', units: (_c, liveRows) => liveRows, emit: emitDots }],
} as const satisfies Kernel;

/** Vectors of 4 in one head. */
function headVectors({ dims, params }: KernelContext): number {
  return dims.nState! / params.nHead! / 4;
}

function emitDots(w: ModuleBuilderLike, c: KernelContext): FunctionBuilder {
  const { nCtx, nState } = c.dims;
  const vectors = headVectors(c);
  const headBytes = 16 * vectors * c.params.head!;
  const f = kernelFunction(w, crossScores);
  const { q, keys, rowState, scores } = f.args;
  const sum = f.local('v128');
  const slotBytes = 4 * nCtx! * nState!;
  forUnits(f, (row) => {
    const slot = i32.load(at(rowState, row, 16), 12);
    const query = f.let(i32.add(at(q, row, 4 * nState!), i32.const(headBytes)));
    const key = f.let(i32.add(at(keys, slot, slotBytes), i32.const(headBytes)));
    const score = f.let(at(scores, row, 4 * nCtx!));
    f.repeat(i32.const(nCtx!), () => {
      f.set(sum, f32x4.mul(v128.load(query), v128.load(key)));
      for (let v = 1; v < vectors; v++)
        f.set(sum, f32x4.add(sum, f32x4.mul(v128.load(query, 16 * v), v128.load(key, 16 * v))));
      f.do(f32.store(score, f32.mul(first(sumOfLanes(f, sum)), f32.const(1 / Math.sqrt(4 * vectors)))));
      f.increase(key, 4 * nState!);
      f.increase(score, 4);
    });
  });
  return f;
}

export const reference: Reference = ({ q, keys, rowState, scores }, { nCtx, nState }, { nHead, head }, liveRows) => {
  const headDim = nState! / nHead!;
  for (let row = 0; row < liveRows; row++) {
    const slot = rowState![row * 4 + 3]!;
    for (let key = 0; key < nCtx!; key++) {
      let sum = 0;
      for (let i = head! * headDim; i < (head! + 1) * headDim; i++)
        sum += q![row * nState! + i]! * keys![(slot * nCtx! + key) * nState! + i]!;
      scores![row * nCtx! + key] = sum / Math.sqrt(headDim);
    }
  }
};

function sizes(rows: number, nHead: number, headDim: number, head: number, nCtx: number, more?: object): KernelCase {
  return {
    dims: { rows, nState: nHead * headDim, nCtx, slots: 2 },
    params: { nHead, head },
    fill: { rowState: fillRowState(1, 1, 2) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  sizes(1, 1, 4, 0, 1),
  sizes(3, 3, 8, 2, 65),
  sizes(7, 6, 64, 5, 130, { liveRows: 4 }),
  sizes(60, 6, 64, 3, 1500, { bench: true, note: 'a sentence, tiny' }),
];

export const tolerance = (): Tolerance => ({ absolute: 1e-5, relative: 0 });
