/**
 * Keys and values of one head as panels of 16-bit integers with scales, for products in integers
 * (../matmul/integerPanels.wasm.ts).
 */
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { maxOfLanes, nearestInteger } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, min } from '../../engine/wasm/signature.ts';
import { f32x4, i32x4, type V128, v128 } from '../../engine/wasm/simd.ts';
import { transpose4 } from '../../engine/wasm/transpose.ts';
import type { HeadSizes } from './heads.wasm.ts';

export const PANEL_WIDTH = 16;
/** Of the queries, by row. */
export const QUERY_STEPS = 8191;
/** Of the values, by column. */
export const VALUE_STEPS = 4095;
/** Its quotient must stay finite. */
const LEAST = 1e-30;

/** Of a key: what its products with a query leave of 32 bits. */
function keySteps(headDim: number): number {
  return Math.min(QUERY_STEPS, Math.floor((2 ** 31 - 1) / (QUERY_STEPS * headDim)));
}

/**
 * The function (from, to, scales): keys of one head into panels [keys / 16, headDim / 2, 16, 2]; scales hold 1 / sqrt(headDim)
 * too. Padding repeats the last key.
 */
export function roundKeys(module: ModuleBuilder, s: HeadSizes): FunctionBuilder {
  return module.once(`roundKeys ${s.nCtx} ${s.headDim} ${s.stride}`, () => {
    const f = module.function('roundKeys', { from: 'i32', to: 'i32', scales: 'i32' });
    const { from, to, scales } = f.args;
    const steps = keySteps(s.headDim);
    const key = f.local('i32');
    const sources = f.locals('i32', 4);
    const perStep = f.locals('v128', 4);
    const most = f.local('v128');
    const target = f.local('i32');
    const last = i32.const(s.nCtx - 1);
    f.for(key, i32.const(0), i32.const(s.keys), 4, () => {
      for (const [i, source] of sources.entries()) {
        f.set(source, at(from, min(f, i32.add(key, i32.const(i)), last), s.stride));
        const p = f.let(source);
        f.set(most, f.splat(LEAST));
        f.repeat(i32.const(s.headDim / 4), () => {
          f.set(most, f32x4.pmax(most, f32x4.abs(v128.load(p))));
          f.increase(p, 16);
        });
        const largest = maxOfLanes(f, most);
        f.set(perStep[i]!, f32x4.div(f.splat(steps), largest));
        const scale = f.let(f32x4.mul(largest, f.splat(1 / steps / Math.sqrt(s.headDim))));
        f.do(v128.store32_lane(at(scales, key, 4), scale, 0, 4 * i));
      }
      const panel = at(to, i32.div_u(key, i32.const(PANEL_WIDTH)), 2 * PANEL_WIDTH * s.headDim);
      f.set(target, at(panel, i32.rem_u(key, i32.const(PANEL_WIDTH)), 4));
      f.repeat(i32.const(s.headDim / 4), () => {
        const inputs = transpose4(
          f,
          sources.map((source, i) => nearestInteger(f, f32x4.mul(v128.load(source), perStep[i]!))),
        );
        f.do(v128.store(target, pairs(f, inputs[0]!, inputs[1]!)));
        f.do(v128.store(target, pairs(f, inputs[2]!, inputs[3]!), 4 * PANEL_WIDTH));
        for (const source of sources) f.increase(source, 16);
        f.increase(target, 8 * PANEL_WIDTH);
      });
    });
    return f;
  });
}

/**
 * The function (from, to, scales): values of one head into panels [headDim / 16, keys / 2, 16, 2]. Padding repeats the last
 * position: its weight is 0.
 */
export function roundValues(module: ModuleBuilder, s: HeadSizes): FunctionBuilder {
  return module.once(`roundValues ${s.nCtx} ${s.headDim} ${s.stride}`, () => {
    const f = module.function('roundValues', { from: 'i32', to: 'i32', scales: 'i32' });
    const { from, to, scales } = f.args;
    const key = f.local('i32');
    const row = f.local('i32');
    const target = f.local('i32');
    const columns = f.locals('v128', PANEL_WIDTH / 4);
    const last = i32.const(s.nCtx - 1);
    for (let first = 0; first < s.headDim; first += PANEL_WIDTH) {
      const some = columns.slice(0, Math.min(PANEL_WIDTH, s.headDim - first) / 4);
      for (const column of some) f.set(column, f.splat(LEAST));
      f.set(row, i32.add(from, i32.const(4 * first)));
      f.repeat(i32.const(s.nCtx), () => {
        for (const [q, column] of some.entries()) f.set(column, f32x4.pmax(column, f32x4.abs(v128.load(row, 16 * q))));
        f.increase(row, s.stride);
      });
      for (const [q, column] of some.entries()) {
        f.do(v128.store(scales, f32x4.mul(column, f.splat(1 / VALUE_STEPS)), 4 * first + 16 * q));
        f.set(column, f32x4.div(f.splat(VALUE_STEPS), column));
      }
      f.set(target, i32.add(to, i32.const(2 * first * s.keys)));
      f.for(key, i32.const(0), i32.const(s.keys), 2, () => {
        const [even, odd] = [0, 1].map((i) =>
          f.let(i32.add(at(from, min(f, i32.add(key, i32.const(i)), last), s.stride), i32.const(4 * first))),
        );
        for (const [q, column] of some.entries()) {
          const [a, b] = [even!, odd!].map((source) => nearestInteger(f, f32x4.mul(v128.load(source, 16 * q), column)));
          f.do(v128.store(target, pairs(f, a!, b!), 16 * q));
        }
        f.increase(target, 4 * PANEL_WIDTH);
      });
    }
    return f;
  });
}

/** Integers of 16 bits, `low` and `high` of each lane side by side. */
function pairs(f: FunctionBuilder, low: V128, high: V128): Local<'v128'> {
  return f.let(v128.or(v128.and(low, f.splatInt(0xffff)), i32x4.shl(high, i32.const(16))));
}
