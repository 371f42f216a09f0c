/**
 * Scores of a few queries against neighbouring keys of a panel, scaled: four sums a score, of every fourth column each, as
 * if the columns of a head lay in the lanes of a vector.
 *
 * One query leaves the registers for all four sums at once, so that multiply-adds do not wait for each other. More queries
 * take the sums one after the other, over a panel that is then in the first-level cache.
 */
import type { DType } from '../../engine/dtype.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { madd } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, type V128, v128 } from '../../engine/wasm/simd.ts';
import type { WasmFeatures } from '../../engine/wasm/variant.ts';
import { cacheAccess } from './cache.wasm.ts';

export interface ScoreTileOptions {
  readonly rows: number;
  /** A multiple of 4. */
  readonly headDim: number;
  readonly panelWidth: number;
  readonly dtype: DType;
  /** From row to row, in bytes. */
  readonly queryStride: number;
  readonly scoreStride: number;
}

export interface ScoreTile {
  /** The function (keys, query, scores, kept): `kept` is room for the scores of the tile. */
  readonly run: FunctionBuilder;
  /** Keys that one call takes. */
  readonly columns: number;
}

/** Columns of a head that are summed apart. */
const SUMS = 4;

export function scoreTile(module: ModuleBuilder, features: WasmFeatures, o: ScoreTileOptions): ScoreTile {
  const columns = tileColumns(features, o.rows);
  const run = module.once(`scoreTile ${columns} ${JSON.stringify(o)}`, () =>
    o.rows === 1 ? oneQuery(module, features, o, columns) : queries(module, features, o, columns),
  );
  return { run, columns };
}

function tileColumns({ relaxedSimd, revectorize, preloadsOperands }: WasmFeatures, rows: number): number {
  if (revectorize) return 16;
  if (rows === 1) return preloadsOperands || !relaxedSimd ? 4 : 8;
  return rows === 2 ? 16 : 8;
}

const PARAMETERS = { keys: 'i32', query: 'i32', scores: 'i32', kept: 'i32' } as const;

function oneQuery(module: ModuleBuilder, features: WasmFeatures, o: ScoreTileOptions, columns: number) {
  const f = module.function('scores1', PARAMETERS);
  const { keys, query, scores } = f.args;
  const { elementBytes, load4 } = cacheAccess(o.dtype);
  const sums = Array.from({ length: SUMS }, () => f.locals('v128', columns / 4));
  const value = f.local('v128');
  const key = f.locals('v128', columns / 4);
  f.repeat(i32.const(o.headDim / SUMS), () => {
    for (const [i, own] of sums.entries()) {
      for (const [q, k] of key.entries()) f.set(k, load4(f, keys, elementBytes * (i * o.panelWidth + 4 * q)));
      f.set(value, v128.load32_splat(query, 4 * i));
      for (const [q, sum] of own.entries()) f.set(sum, madd(features, value, key[q]!, sum));
    }
    f.increase(keys, elementBytes * SUMS * o.panelWidth);
    f.increase(query, 4 * SUMS);
  });
  const scale = f.splat(1 / Math.sqrt(o.headDim));
  const [a, b, c, d] = sums;
  const total = (q: number): V128 => f32x4.add(f32x4.add(a![q]!, b![q]!), f32x4.add(c![q]!, d![q]!));
  for (const [q, k] of key.entries()) f.set(k, f32x4.mul(total(q), scale));
  for (let q = columns / 4 - 1; q >= 0; q--) f.do(v128.store(scores, key[q]!, 16 * q));
  return f;
}

function queries(module: ModuleBuilder, features: WasmFeatures, o: ScoreTileOptions, columns: number) {
  const f = module.function(`scores${o.rows}`, PARAMETERS);
  const { keys, query, scores, kept } = f.args;
  const { elementBytes, load4 } = cacheAccess(o.dtype);
  const vectors = columns / 4;
  const sums = Array.from({ length: o.rows }, () => f.locals('v128', vectors));
  const value = f.local('v128');
  const key = f.locals('v128', vectors);
  const each = (visit: (sum: Local<'v128'>, row: number, offset: number) => void): void => {
    for (const [r, own] of sums.entries()) for (const [q, sum] of own.entries()) visit(sum, r, 16 * q);
  };
  const inScores = (row: number, offset: number): number => row * o.scoreStride + offset;
  const inKept = (row: number, offset: number): number => 4 * row * columns + offset;
  const storeAll = (target: Local<'i32'>, place: (row: number, offset: number) => number): void => {
    for (const [r, own] of sums.entries())
      for (let q = vectors - 1; q >= 0; q--) f.do(v128.store(target, own[q]!, place(r, 16 * q)));
  };
  const steps = o.headDim / SUMS;
  const unroll = features.preloadsOperands ? 1 : [4, 2, 1].find((u) => steps % u === 0)!;
  const [k, x] = [f.local('i32'), f.local('i32')];
  const scale = f.splat(1 / Math.sqrt(o.headDim));
  for (let i = 0; i < SUMS; i++) {
    f.set(k, i32.add(keys, i32.const(elementBytes * i * o.panelWidth)));
    f.set(x, i32.add(query, i32.const(4 * i)));
    each((sum) => f.set(sum, f.splat(0)));
    f.repeat(i32.const(steps / unroll), () => {
      for (let u = 0; u < unroll; u++) {
        for (const [q, v] of key.entries()) f.set(v, load4(f, k, elementBytes * (SUMS * u * o.panelWidth + 4 * q)));
        for (const [r, own] of sums.entries()) {
          f.set(value, v128.load32_splat(x, r * o.queryStride + 4 * SUMS * u));
          for (const [q, sum] of own.entries()) f.set(sum, madd(features, value, key[q]!, sum));
        }
      }
      f.increase(k, elementBytes * SUMS * unroll * o.panelWidth);
      f.increase(x, 4 * SUMS * unroll);
    });
    // (0 + 1) stands in the scores, 2 aside, until 3 is there.
    if (i === 1) each((sum, r, offset) => f.set(sum, f32x4.add(v128.load(scores, inScores(r, offset)), sum)));
    if (i === 3)
      each((sum, r, offset) => {
        const second = f32x4.add(v128.load(kept, inKept(r, offset)), sum);
        f.set(sum, f32x4.mul(f32x4.add(v128.load(scores, inScores(r, offset)), second), scale));
      });
    if (i === 2) storeAll(kept, inKept);
    else storeAll(scores, inScores);
  }
  return f;
}
