/** Rows of y in place: y = gelu(y), then + added where it is given. */
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { gelu } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmFeatures } from '../../engine/wasm/variant.ts';

/** The function (y, added, rows, columns): both with rows `stride` bytes apart; columns >= 1. */
export function geluRows(
  module: ModuleBuilder,
  features: WasmFeatures,
  stride: number,
  isAdded: boolean,
): FunctionBuilder {
  const key = `geluRows ${stride} ${isAdded}`;
  return module.once(key, () => {
    const f = module.function(key, { y: 'i32', added: 'i32', rows: 'i32', columns: 'i32' });
    const { y, added, rows, columns } = f.args;
    const one = geluOfVector(module, features);
    const p = f.local('i32');
    const a = f.local('i32');
    const left = f.local('i32');
    const x = f.locals('v128', 2);
    const plus = (value: (typeof x)[number], offset: number) =>
      isAdded ? f32x4.add(value, v128.load(a, offset)) : value;
    f.repeat(rows, () => {
      f.set(p, y);
      f.set(a, added);
      f.set(left, columns);
      // Two vectors a turn, the stores last: a pair of them becomes one of 256 bits where V8 can.
      f.while(i32.ge_s(left, i32.const(8)), () => {
        for (const [i, v] of x.entries()) f.set(v, v128.load(p, 16 * i));
        for (const v of x) f.set(v, gelu(f, features, v));
        for (const [i, v] of x.entries()) f.set(v, plus(v, 16 * i));
        f.do(v128.store(p, x[1]!, 16));
        f.do(v128.store(p, x[0]!));
        f.increase(p, 32);
        f.increase(a, 32);
        f.increase(left, -8);
      });
      f.while(left, () => {
        f.set(x[0]!, f.callFor('v128', one, v128.load32_zero(p)));
        f.set(x[0]!, isAdded ? f32x4.add(x[0]!, v128.load32_zero(a)) : x[0]!);
        f.do(v128.store32_lane(p, x[0]!, 0));
        f.increase(p, 4);
        f.increase(a, 4);
        f.increase(left, -1);
      });
      f.increase(y, stride);
      f.increase(added, stride);
    });
    return f;
  });
}

function geluOfVector(module: ModuleBuilder, features: WasmFeatures): FunctionBuilder {
  return module.once('geluOfVector', () => {
    const f = module.function('geluOfVector', { x: 'v128' }, 'v128');
    f.return(gelu(f, features, f.args.x));
    return f;
  });
}
