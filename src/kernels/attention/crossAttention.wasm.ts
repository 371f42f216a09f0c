/**
 * Attention of new rows against one window's sound: all nCtx keys, in order, the same for all rows of the window.
 *
 * A work item is one head and up to two rows. Two rows of one window read keys and values once: their products then need 6
 * loads for 8 multiply-adds where one row needs 5 for 4. Keys lie a constant stride apart, so four of them are one pointer
 * and offsets. Sums over lanes are added up by one 4 x 4 transposition for four keys.
 */

import { CACHE_TYPES, type DType, storageType } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { madd } from '../../engine/wasm/math.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import { transpose4 } from '../../engine/wasm/transpose.ts';
import type { EmitContext, WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { cacheAccess, isOneType } from './cache.wasm.ts';
import { LOWEST, softmaxRow } from './softmax.wasm.ts';

type CrossArgs = 'q' | 'keys' | 'values' | 'rowState' | 'y';
type Dims = 'rows' | 'nState' | 'qWidth' | 'nCtx';
type Params = 'nHead' | 'cross';
type Context = KernelContext<Dims, Params>;
type Emit = Pick<EmitContext, 'module' | 'features'>;

interface Sizes {
  readonly nCtx: number;
  /** How keys and values are stored. */
  readonly dtype: DType;
  readonly elementBytes: number;
  /** From position to position, in bytes. */
  readonly stride: number;
  readonly headDim: number;
  /** nCtx rounded up to what `softmaxRow` takes. */
  readonly padded: number;
}

function sizes({ dims, params, dtype }: Context): Sizes {
  const { nCtx, nState } = dims;
  const { elementBytes } = storageType(dtype('keys'));
  return {
    nCtx,
    dtype: dtype('keys'),
    elementBytes,
    stride: elementBytes * nState,
    headDim: nState / params.nHead,
    padded: Math.ceil(nCtx / 8) * 8,
  };
}

/** For each of two rows: 1 / sum in a vector of its own, then the scores. */
function rowBytes(s: Sizes): number {
  return 16 + 4 * s.padded;
}

export const crossAttentionWasm: readonly WasmVariant<CrossArgs, Dims, Params>[] = [
  {
    name: 'headOfRows',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    when: (c) => c.params.cross === 1 && isOneType(c),
    workItems: (c, liveRows) => c.params.nHead * Math.ceil(liveRows / 2),
    scratchBytes: (c) => 2 * rowBytes(sizes(c)),
    emit(f, c) {
      const s = sizes(c);
      const { nCtx, nState, qWidth } = c.dims;
      const { scratch, q, keys, values, rowState, y, liveRows } = f.args;
      forWorkItems(f, (item) => {
        const pairs = i32.shr_u(i32.add(liveRows, i32.const(1)), i32.const(1));
        const head = f.let(i32.mul(i32.div_u(item, pairs), i32.const(s.headDim)));
        const row = f.let(i32.shl(i32.rem_u(item, pairs), i32.const(1)));
        const next = f.let(i32.add(row, i32.const(1)));
        const audioOf = (r: Local<'i32'>): Local<'i32'> =>
          f.let(i32.load(at(rowState, r, ROW_STATE.rowBytes), ROW_STATE.offset.audio));
        /** The head's part of row `index` of an array whose rows are `width` elements of `bytes`. */
        const inHead = (base: Local<'i32'>, index: Local<'i32'>, width: number, bytes: number) =>
          i32.add(at(base, index, width * bytes), i32.mul(head, i32.const(bytes)));
        const queryOf = (r: Local<'i32'>) => inHead(q, r, qWidth, 4);
        const outOf = (r: Local<'i32'>) => inHead(y, r, nState, 4);
        const cacheOf = (base: Local<'i32'>, audio: Local<'i32'>) => inHead(base, audio, nCtx * nState, s.elementBytes);
        const one = (r: Local<'i32'>, audio: Local<'i32'>): void =>
          f.call(attend(c, s, 1), cacheOf(keys, audio), cacheOf(values, audio), scratch, queryOf(r), outOf(r));

        const audio = audioOf(row);
        f.if(
          i32.ge_s(next, liveRows),
          () => one(row, audio),
          () => {
            const nextAudio = audioOf(next);
            f.if(
              i32.eq(audio, nextAudio),
              () => {
                const cache = [cacheOf(keys, audio), cacheOf(values, audio)];
                f.call(attend(c, s, 2), ...cache, scratch, queryOf(row), outOf(row), queryOf(next), outOf(next));
              },
              () => {
                one(row, audio);
                one(next, nextAudio);
              },
            );
          },
        );
      });
    },
  },
];

/** The function (keys, values, scratch, query, out, query, out) for one or two rows of one head. */
function attend({ module, features }: Emit, s: Sizes, rows: 1 | 2): FunctionBuilder {
  return module.once(`attend ${rows} ${JSON.stringify(s)}`, () => {
    const f = module.function('attend', {
      keys: 'i32',
      values: 'i32',
      scratch: 'i32',
      query0: 'i32',
      out0: 'i32',
      ...(rows === 2 ? { query1: 'i32', out1: 'i32' } : {}),
    } as const);
    const { keys, values, scratch, query0, out0 } = f.args;
    const second = f.args as Readonly<Record<string, Local<'i32'>>>; // query1 and out1 are there for two rows
    const queries = rows === 2 ? [query0, second.query1!] : [query0];
    const outs = rows === 2 ? [out0, second.out1!] : [out0];
    const weights = queries.map((_, r) => f.let(i32.add(scratch, i32.const(r * rowBytes(s) + 16))));
    const scales = queries.map((_, r) => f.let(i32.add(scratch, i32.const(r * rowBytes(s)))));

    scores(f, features, s, keys, queries, weights);
    for (const [r, row] of weights.entries())
      f.call(softmaxRow(module, features), row, i32.const(s.padded), scales[r]!);
    // As many columns at a time as leave registers for the loads.
    const width = features.revectorize || (rows === 1 && !features.preloadsOperands) ? 32 : 16;
    for (let column = 0; column < s.headDim; column += width) {
      const vectors = Math.min(width, s.headDim - column) / 4;
      const sums = weightedSums(
        f,
        features,
        s,
        f.let(i32.add(values, i32.const(s.elementBytes * column))),
        weights,
        vectors,
      );
      for (const [r, out] of outs.entries()) {
        const scale = f.let(v128.load32_splat(scales[r]!));
        for (const sum of sums[r]!) f.set(sum, f32x4.mul(sum, scale));
        for (let q = vectors - 1; q >= 0; q--) storeVector(f, out, sums[r]![q]!, 4 * column + 16 * q, 4);
      }
    }
    return f;
  });
}

/** Writes all scores of the rows, and `LOWEST` after them up to `padded`. */
function scores(
  f: FunctionBuilder,
  features: WasmFeatures,
  s: Sizes,
  keys: Local<'i32'>,
  queries: readonly Local<'i32'>[],
  weights: readonly Local<'i32'>[],
): void {
  const source = f.let(keys);
  const targets = weights.map((row) => f.let(row));
  const scale = f.splat(1 / Math.sqrt(s.headDim));
  const group = (count: number): void => {
    const sums = dots(f, features, s, source, queries, count);
    for (const [r, target] of targets.entries()) {
      const score = f32x4.mul(sums[r]!, scale);
      const bits = (lane: number): number => (lane < count ? -1 : 0);
      const isThere = f.lanes(bits(0), bits(1), bits(2), bits(3));
      f.do(v128.store(target, count === 4 ? score : v128.bitselect(score, f.splat(LOWEST), isThere)));
      f.increase(target, 16);
    }
    f.increase(source, 4 * s.stride);
  };
  const whole = Math.floor(s.nCtx / 4);
  if (whole > 0) f.repeat(i32.const(whole), () => group(4));
  if (s.nCtx % 4 > 0) group(s.nCtx % 4);
  if (Math.ceil(s.nCtx / 4) % 2 === 1) for (const target of targets) f.do(v128.store(target, f.splat(LOWEST)));
}

/** For each query its products with `count` (1 to 4) keys, in the lanes of one vector. */
function dots(
  f: FunctionBuilder,
  features: WasmFeatures,
  s: Sizes,
  keys: Local<'i32'>,
  queries: readonly Local<'i32'>[],
  count: number,
): Local<'v128'>[] {
  const { load4 } = cacheAccess(s.dtype);
  const zero = f.splat(0);
  const sums = queries.map(() => [0, 1, 2, 3].map(() => f.let(zero)));
  const key = f.locals('v128', count);
  const value = f.local('v128');
  const p = f.let(keys);
  const pointers = queries.map((query) => f.let(query));
  const vectors = s.headDim / 4;
  const unroll = features.preloadsOperands ? 1 : [4, 2, 1].find((u) => vectors % u === 0)!;
  f.repeat(i32.const(vectors / unroll), () => {
    for (let u = 0; u < unroll; u++) {
      for (const [i, k] of key.entries()) f.set(k, load4(f, p, i * s.stride + 4 * s.elementBytes * u));
      for (const [r, pointer] of pointers.entries()) {
        f.set(value, v128.load(pointer, 16 * u));
        for (const [i, k] of key.entries()) f.set(sums[r]![i]!, madd(features, value, k, sums[r]![i]!));
      }
    }
    f.increase(p, 4 * s.elementBytes * unroll);
    for (const pointer of pointers) f.increase(pointer, 16 * unroll);
  });
  return sums.map((four) => {
    const [a, b, c, d] = transpose4(f, four);
    return f.let(f32x4.add(f32x4.add(a!, b!), f32x4.add(c!, d!)));
  });
}

/** For each row the sum over keys of weight * values, `vectors` vectors from `values` on. */
function weightedSums(
  f: FunctionBuilder,
  features: WasmFeatures,
  s: Sizes,
  values: Local<'i32'>,
  weights: readonly Local<'i32'>[],
  vectors: number,
): Local<'v128'>[][] {
  const { load4 } = cacheAccess(s.dtype);
  const sums = weights.map(() => Array.from({ length: vectors }, () => f.let(f.splat(0))));
  const pointers = weights.map((row) => f.let(row));
  const column = f.locals('v128', vectors);
  const weight = f.local('v128');
  // Two keys a turn where one row leaves the registers for it.
  const unroll = s.nCtx % 2 === 0 && weights.length === 1 ? 2 : 1;
  f.repeat(i32.const(s.nCtx / unroll), () => {
    for (let u = 0; u < unroll; u++) {
      for (const [q, v] of column.entries()) f.set(v, load4(f, values, u * s.stride + 4 * s.elementBytes * q));
      for (const [r, pointer] of pointers.entries()) {
        f.set(weight, v128.load32_splat(pointer, 4 * u));
        for (const [q, v] of column.entries()) f.set(sums[r]![q]!, madd(features, weight, v, sums[r]![q]!));
      }
    }
    f.increase(values, unroll * s.stride);
    for (const pointer of pointers) f.increase(pointer, 4 * unroll);
  });
  return sums;
}
