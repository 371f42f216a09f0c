/**
 * A row of floats to whole numbers of 16 bits at most, as integer products want it in scratch.
 */
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { maxOfLanes, nearestInteger, sumOfIntegerLanes } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, i16x8, i32x4, type V128, v128 } from '../../engine/wasm/simd.ts';

/**
 * Bytes of a rounded row: its whole numbers of 16 bits, filled up with zeros, then its step and the sum of its numbers, as floats.
 */
export function roundedRowBytes(k: number): number {
  return stepOffset(k) + 16;
}

/** Of a rounded row, in bytes. */
export function stepOffset(k: number): number {
  return 2 * Math.ceil(k / 8) * 8;
}

/** From a row's step to its sum, in bytes. */
export const ROW_SUM = 4;

/** The function (x, to) that rounds a row. @param steps from 0 to the largest of a row, at most 32767 */
export function roundRow(module: ModuleBuilder, k: number, steps: number): FunctionBuilder {
  return module.once(`roundRow ${k} ${steps}`, () => {
    const f = module.function(`roundRow ${k} ${steps}`, { x: 'i32', to: 'i32' });
    const { x, to } = f.args;
    const largest = f.locals('v128', 2);
    const values = f.locals('v128', 2);
    const p = f.local('i32');
    /** Turns of eight numbers over the row; the last one has zeros where it has ended. */
    const each = (visit: () => void): void => {
      f.set(p, x);
      const read = (left: number): void => {
        for (const [half, value] of values.entries()) f.set(value, loadSome(f, p, 16 * half, left - 4 * half));
      };
      const turns = Math.floor(k / 8);
      if (turns > 0)
        f.repeat(i32.const(turns), () => {
          read(8);
          visit();
          f.increase(p, 32);
        });
      if (k % 8 > 0) {
        read(k % 8);
        visit();
      }
    };
    for (const value of largest) f.set(value, f.splat(0));
    each(() => {
      for (const [half, value] of values.entries()) f.set(largest[half]!, f32x4.pmax(largest[half]!, f32x4.abs(value)));
    });
    const most = f.let(maxOfLanes(f, f32x4.pmax(largest[0]!, largest[1]!)));
    // A row of zeros, or of next to nothing: its quotient must stay finite.
    const perStep = f.let(f32x4.div(f.splat(steps), f32x4.pmax(most, f.splat(1e-30))));
    const sum = f.let(f.splatInt(0));
    each(() => {
      for (const value of values) {
        f.set(value, nearestInteger(f, f32x4.mul(value, perStep)));
        f.set(sum, i32x4.add(sum, value));
      }
      f.do(v128.store(to, i16x8.narrow_i32x4_s(values[0]!, values[1]!)));
      f.increase(to, 16);
    });
    f.do(v128.store(to, f32x4.mul(most, f.splat(1 / steps))));
    f.do(v128.store32_lane(to, f32x4.convert_i32x4_s(sumOfIntegerLanes(f, sum)), 0, ROW_SUM));
    return f;
  });
}

/** Four floats, or the first `count` of them and zeros; nothing behind those is read. */
function loadSome(f: FunctionBuilder, p: Local<'i32'>, offset: number, count: number): V128 {
  if (count >= 4) return v128.load(p, offset);
  let value: V128 = f.splat(0);
  for (let lane = 0; lane < count; lane++) value = v128.load32_lane(p, value, lane, offset + 4 * lane);
  return value;
}
