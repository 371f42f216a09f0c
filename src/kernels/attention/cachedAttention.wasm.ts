/**
 * Attention of one row's query against a cache, one head: scores into the scratch, softmax, weighted sum of values.
 *
 * Keys lie as they come, a row of nState each, so a score is a sum over lanes: four keys at a time keep four sums, which
 * one 4 x 4 transposition then adds up. Bound by the bytes of K and V.
 */

import type { CpuCaps, KernelContext, ModuleBuilderLike } from '../../engine/kernel.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { madd } from '../../engine/wasm/math.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forUnits, least } from '../../engine/wasm/signature.ts';
import { f32x4, i32x4, v128 } from '../../engine/wasm/simd.ts';
import { transpose4 } from '../../engine/wasm/transpose.ts';
import { lowest, softmaxRow } from './softmax.wasm.ts';

type StepArgs = 'begin' | 'end' | 'liveRows' | 'scratch' | 'q' | 'keys' | 'values' | 'rowState' | 'slotOf' | 'y';

export function emitAttentionStep(
  w: ModuleBuilderLike,
  f: FunctionBuilder<Record<StepArgs, 'i32'>>,
  c: KernelContext,
  caps: CpuCaps,
): void {
  const { nCtx, nState, qWidth } = c.dims;
  const { nHead, cross } = c.params;
  const headDim = nState! / nHead!;
  const { scratch, q, keys, values, rowState, slotOf, y, liveRows } = f.args;
  const [key, count, slots, base] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const scale = f.let(scratch); // 1 / sum lies in front of the scores
  const scores = f.let(i32.add(scratch, i32.const(16)));

  /** Place of the head's part of position `k` in keys or values, from their start. */
  const offsetOf = (k: I32): I32 => {
    const position = c.has('slotOf')
      ? i32.add(i32.mul(i32.load(at(slots, k, 4)), i32.const(nCtx!)), k)
      : i32.add(base, k);
    return i32.mul(position, i32.const(4 * nState!));
  };

  forUnits(f, (unit) => {
    const head = f.let(i32.mul(i32.div_u(unit, liveRows), i32.const(4 * headDim)));
    const row = f.let(i32.rem_u(unit, liveRows));
    const state = f.let(at(rowState, row, 16));
    const slot = i32.load(state, cross ? 12 : 8);
    f.set(count, cross ? i32.const(nCtx!) : i32.add(i32.load(state, 4), i32.const(1)));
    f.set(base, i32.mul(slot, i32.const(nCtx!)));
    if (c.has('slotOf')) f.set(slots, at(slotOf, base, 4));
    const query = f.let(i32.add(at(q, row, 4 * qWidth!), head));
    const headKeys = f.let(i32.add(keys, head));
    const headValues = f.let(i32.add(values, head));

    const last = f.let(i32.sub(count, i32.const(1)));
    f.for(key, i32.const(0), count, 4, () => {
      const sources = [0, 1, 2, 3].map((i) => {
        const k = f.let(least(f, i32.add(key, i32.const(i)), last));
        return f.let(i32.add(headKeys, offsetOf(k)));
      });
      const sums = fourDots(f, caps, query, sources, headDim);
      const score = f32x4.mul(sums, f.splat(1 / Math.sqrt(headDim)));
      const isThere = i32x4.gt_s(i32x4.splat(i32.sub(count, key)), f.lanes(0, 1, 2, 3));
      f.do(v128.store(at(scores, key, 4), v128.bitselect(score, f.splat(lowest), isThere)));
    });
    // softmaxRow takes eights: a last four may be missing.
    f.do(v128.store(at(scores, key, 4), f.splat(lowest)));
    const whole = i32.and(i32.add(count, i32.const(7)), i32.const(-8));
    f.call(softmaxRow(w, caps), scores, whole, scale);

    const out = f.let(i32.add(at(y, row, 4 * nState!), head));
    // As many columns at a time as leave registers for the loads.
    const width = caps.loadsFirst ? 16 : 32;
    for (let column = 0; column < headDim; column += width)
      weightedSum(f, caps, Math.min(width, headDim - column), {
        count,
        scores,
        scale,
        source: (k) => i32.add(headValues, offsetOf(k)),
        out,
        column,
      });
  });
}

/** q . k for four keys. */
function fourDots(
  f: FunctionBuilder,
  caps: CpuCaps,
  query: Local<'i32'>,
  sources: readonly Local<'i32'>[],
  headDim: number,
): Local<'v128'> {
  const sums = sources.map(() => f.let(f.splat(0)));
  const x = f.local('v128');
  const p = f.let(query);
  const unroll = caps.loadsFirst ? 1 : [4, 2, 1].find((u) => (headDim / 4) % u === 0)!;
  f.repeat(i32.const(headDim / 4 / unroll), () => {
    for (let u = 0; u < unroll; u++) {
      f.set(x, v128.load(p, 16 * u));
      for (const [i, sum] of sums.entries()) f.set(sum, madd(caps, x, v128.load(sources[i]!, 16 * u), sum));
    }
    f.increase(p, 16 * unroll);
    for (const source of sources) f.increase(source, 16 * unroll);
  });
  const [a, b, c, d] = transpose4(f, sums);
  return f.let(f32x4.add(f32x4.add(a!, b!), f32x4.add(c!, d!)));
}

interface WeightedSum {
  readonly count: I32;
  readonly scores: I32;
  readonly scale: I32;
  /** Address of position `k`'s values of this head. */
  source(k: I32): I32;
  readonly out: Local<'i32'>;
  readonly column: number;
}

/** out[column .. column + width] = scale * sum over keys of scores[key] * values[key]. */
function weightedSum(f: FunctionBuilder, caps: CpuCaps, width: number, s: WeightedSum): void {
  const sums = Array.from({ length: width / 4 }, () => f.let(f.splat(0)));
  const key = f.local('i32');
  const source = f.local('i32');
  const weight = f.local('v128');
  f.for(key, i32.const(0), s.count, 1, () => {
    f.set(source, s.source(key));
    f.set(weight, v128.load32_splat(at(s.scores, key, 4)));
    for (const [i, sum] of sums.entries())
      f.set(sum, madd(caps, weight, v128.load(source, 4 * s.column + 16 * i), sum));
  });
  const scale = f.let(v128.load32_splat(s.scale));
  for (const sum of sums) f.set(sum, f32x4.mul(sum, scale));
  for (let i = sums.length - 1; i >= 0; i--) storeVector(f, s.out, sums[i]!, 4 * s.column + 16 * i, 4);
}
