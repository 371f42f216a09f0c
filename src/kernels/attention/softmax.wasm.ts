/** exp(x - max) over a row in place, and its sum. Not divided by the sum: whoever uses the row scales its result. */

import type { Local } from '../../engine/wasm/expression.ts';
import { tee } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { exp, maxOfLanes, sumOfLanes } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmFeatures } from '../../engine/wasm/variant.ts';

/** Stands for "not there" in a row of scores. */
export const LOWEST = -3e38;

/**
 * The function (row, count, result): count is a positive multiple of 8; 1 / sum goes to the f32 at `result`.
 * The row holds at least one score above `LOWEST`.
 */
export function softmaxRow(module: ModuleBuilder, features: WasmFeatures): FunctionBuilder {
  return module.once('softmaxRow', () => {
    const f = module.function('softmaxRow', { row: 'i32', count: 'i32', result: 'i32' });
    const { row, count, result } = f.args;
    const p = f.local('i32');
    const left = f.local('i32');
    const pair = f.locals('v128', 2);
    const most = [f.let(f.splat(LOWEST)), f.let(f.splat(LOWEST))];
    const sums = f.locals('v128', 2);
    const overRow = (body: () => void): void => {
      f.set(p, row);
      f.set(left, count);
      f.doWhile(
        () => {
          body();
          f.increase(p, 32);
        },
        tee(left, i32.sub(left, i32.const(8))),
      );
    };
    overRow(() => {
      for (const [i, m] of most.entries()) f.set(m, f32x4.pmax(m, v128.load(p, 16 * i)));
    });
    const max = maxOfLanes(f, f32x4.pmax(most[0]!, most[1]!));
    overRow(() => {
      for (const [i, v] of pair.entries()) f.set(v, f32x4.sub(v128.load(p, 16 * i), max));
      for (const v of pair) f.set(v, exp(f, features, v));
      for (const [i, sum] of sums.entries()) f.set(sum, f32x4.add(sum, pair[i]!));
      f.do(v128.store(p, pair[1]!, 16));
      f.do(v128.store(p, pair[0]!));
    });
    const sum: Local<'v128'> = sumOfLanes(f, f32x4.add(sums[0]!, sums[1]!));
    f.do(v128.store32_lane(result, f32x4.div(f.splat(1), sum), 0));
    return f;
  });
}
