/**
 * Attention of one row's query against a cache, one head: scores into the scratch, softmax, weighted sum of values.
 *
 * Keys lie as they come, a row of nState each, so a score is a sum over lanes: four keys at a time keep four sums, which
 * one 4 x 4 transposition then adds up. Bound by the bytes of K and V.
 */

import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { madd } from '../../engine/wasm/math.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, min } from '../../engine/wasm/signature.ts';
import { f32x4, i32x4, v128 } from '../../engine/wasm/simd.ts';
import { transpose4 } from '../../engine/wasm/transpose.ts';
import type { WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { type CacheAccess, cacheAccess, isOneType } from './cache.wasm.ts';
import { LOWEST, softmaxRow } from './softmax.wasm.ts';

type Args = 'q' | 'keys' | 'values' | 'rowState' | 'slotOf' | 'y';

export const variants: readonly WasmVariant<Args, 'rows' | 'nState' | 'qWidth' | 'nCtx', 'nHead'>[] = [
  {
    // A work item is a head of a row; rows of one head follow each other, so that they find its keys in the cache.
    name: 'headOfRow',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    when: isOneType,
    workItems: (c, liveRows) => c.params.nHead * liveRows,
    scratchBytes: (c) => 4 * (c.dims.nCtx + 12),
    emit(f, c) {
      const { nCtx, nState, qWidth } = c.dims;
      const { module, features } = c;
      const headDim = nState / c.params.nHead;
      const access = cacheAccess(c.dtype('keys'));
      const { scratch, q, keys, values, rowState, slotOf, y, liveRows } = f.args;
      const [key, count, slots, base] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const scale = f.let(scratch); // 1 / sum stands before the scores
      const scores = f.let(i32.add(scratch, i32.const(16)));

      /** Place of the head's part of position `k` in keys or values, from their start. */
      const offsetOf = (k: I32): I32 => {
        const position = c.has('slotOf')
          ? i32.add(i32.mul(i32.load(at(slots, k, 4)), i32.const(nCtx)), k)
          : i32.add(base, k);
        return i32.mul(position, i32.const(access.elementBytes * nState));
      };

      forWorkItems(f, (item) => {
        const head = f.let(i32.mul(i32.div_u(item, liveRows), i32.const(headDim)));
        const inCache = f.let(i32.mul(head, i32.const(access.elementBytes)));
        const row = f.let(i32.rem_u(item, liveRows));
        const state = f.let(at(rowState, row, ROW_STATE.rowBytes));
        f.set(count, i32.add(i32.load(state, ROW_STATE.offset.position), i32.const(1)));
        f.set(base, i32.mul(i32.load(state, ROW_STATE.offset.sequence), i32.const(nCtx)));
        if (c.has('slotOf')) f.set(slots, at(slotOf, base, 4));
        const query = f.let(at(at(q, row, 4 * qWidth), head, 4));
        const headKeys = f.let(i32.add(keys, inCache));
        const headValues = f.let(i32.add(values, inCache));

        const last = f.let(i32.sub(count, i32.const(1)));
        f.for(key, i32.const(0), count, 4, () => {
          const sources = [0, 1, 2, 3].map((i) => {
            const k = f.let(min(f, i32.add(key, i32.const(i)), last));
            return f.let(i32.add(headKeys, offsetOf(k)));
          });
          const sums = fourDots(f, features, access, query, sources, headDim);
          const score = f32x4.mul(sums, f.splat(1 / Math.sqrt(headDim)));
          const isThere = i32x4.gt_s(i32x4.splat(i32.sub(count, key)), f.lanes(0, 1, 2, 3));
          f.do(v128.store(at(scores, key, 4), v128.bitselect(score, f.splat(LOWEST), isThere)));
        });
        // softmaxRow takes eights: a last four may be missing.
        f.do(v128.store(at(scores, key, 4), f.splat(LOWEST)));
        const whole = i32.and(i32.add(count, i32.const(7)), i32.const(-8));
        f.call(softmaxRow(module, features), scores, whole, scale);

        const out = f.let(at(at(y, row, 4 * nState), head, 4));
        // As many columns at a time as leave registers for the loads.
        const width = features.preloadsOperands ? 16 : 32;
        for (let column = 0; column < headDim; column += width)
          weightedSum(f, features, access, Math.min(width, headDim - column), {
            count,
            scores,
            scale,
            source: (k) => i32.add(headValues, offsetOf(k)),
            out,
            column,
          });
      });
    },
  },
];

/** q . k for four keys. */
function fourDots(
  f: FunctionBuilder,
  features: WasmFeatures,
  access: CacheAccess,
  query: Local<'i32'>,
  sources: readonly Local<'i32'>[],
  headDim: number,
): Local<'v128'> {
  const sums = sources.map(() => f.let(f.splat(0)));
  const x = f.local('v128');
  const p = f.let(query);
  const unroll = features.preloadsOperands ? 1 : [4, 2, 1].find((u) => (headDim / 4) % u === 0)!;
  f.repeat(i32.const(headDim / 4 / unroll), () => {
    for (let u = 0; u < unroll; u++) {
      f.set(x, v128.load(p, 16 * u));
      for (const [i, sum] of sums.entries())
        f.set(sum, madd(features, x, access.load4(f, sources[i]!, 4 * access.elementBytes * u), sum));
    }
    f.increase(p, 16 * unroll);
    for (const source of sources) f.increase(source, 4 * access.elementBytes * unroll);
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
function weightedSum(
  f: FunctionBuilder,
  features: WasmFeatures,
  access: CacheAccess,
  width: number,
  s: WeightedSum,
): void {
  const sums = Array.from({ length: width / 4 }, () => f.let(f.splat(0)));
  const key = f.local('i32');
  const source = f.local('i32');
  const weight = f.local('v128');
  f.for(key, i32.const(0), s.count, 1, () => {
    f.set(source, s.source(key));
    f.set(weight, v128.load32_splat(at(s.scores, key, 4)));
    for (const [i, sum] of sums.entries())
      f.set(sum, madd(features, weight, access.load4(f, source, access.elementBytes * (s.column + 4 * i)), sum));
  });
  const scale = f.let(v128.load32_splat(s.scale));
  for (const sum of sums) f.set(sum, f32x4.mul(sum, scale));
  for (let i = sums.length - 1; i >= 0; i--) storeVector(f, s.out, sums[i]!, 4 * s.column + 16 * i, 4);
}
