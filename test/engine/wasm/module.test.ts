import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InternalError } from '../../../src/base/errors.ts';
import { select, tee } from '../../../src/engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../../src/engine/wasm/function.ts';
import { ModuleBuilder } from '../../../src/engine/wasm/module.ts';
import { memory as bulk, f32, i32 } from '../../../src/engine/wasm/scalar.ts';
import { f32x4, i8x16, i32x4, v128 } from '../../../src/engine/wasm/simd.ts';
import { throws } from '../../support/throws.ts';

const test = suite('wasm module');

function run(
  build: (w: ModuleBuilder) => FunctionBuilder,
  fill: (floats: Float32Array<ArrayBuffer>, words: Int32Array<ArrayBuffer>) => void = () => {},
): { call: (...args: number[]) => number; floats: Float32Array<ArrayBuffer>; words: Int32Array<ArrayBuffer> } {
  const w = new ModuleBuilder({ shared: false, maximumPages: 65536 });
  w.export('f', build(w));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(w.bytes()), { env: { memory } });
  const floats = new Float32Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  fill(floats, words);
  return { call: instance.exports.f as (...args: number[]) => number, floats, words };
}

test('a loop over memory adds what is there', () => {
  const { call } = run(
    (w) => {
      const f = w.function('sum', { from: 'i32', count: 'i32' }, 'f32');
      const { from, count } = f.args;
      const total = f.local('f32');
      f.while(count, () => {
        f.set(total, f32.add(total, f32.load(from, 64)));
        f.increase(from, 4);
        f.increase(count, -1);
      });
      f.return(total);
      return f;
    },
    (floats) => floats.set([1, 2, 3.5, 100], 16),
  );
  assert.is(call(0, 3), 6.5);
  assert.is(call(4, 2), 5.5);
  assert.is(call(0, 0), 0);
});

test('for, if, block and br end where they should', () => {
  const { call } = run((w) => {
    // The first i in [from, to) with i % 7 === 3, times 10; -1 when there is none; -2 for an empty range.
    const f = w.function('find', { from: 'i32', to: 'i32' }, 'i32');
    const { from, to } = f.args;
    const i = f.local('i32');
    const found = f.let(i32.const(-1));
    f.if(
      i32.ge_s(from, to),
      () => f.set(found, i32.const(-2)),
      () =>
        f.block((exit) => {
          f.for(i, from, to, 1, () => {
            f.if(i32.eq(i32.rem_u(i, i32.const(7)), i32.const(3)), () => {
              f.set(found, i32.mul(i, i32.const(10)));
              f.br(exit);
            });
          });
        }),
    );
    f.return(found);
    return f;
  });
  assert.is(call(4, 100), 100);
  assert.is(call(4, 10), -1);
  assert.is(call(9, 9), -2);
});

test('vectors: loads, arithmetic, shuffles, lanes, constants ahead of the loop', () => {
  const { call, floats } = run(
    (w) => {
      const f = w.function('mix', { at: 'i32', turns: 'i32' }, 'f32');
      const { at, turns } = f.args;
      const x = f.let(v128.load(at));
      f.repeat(turns, () => f.set(x, f32x4.add(f32x4.mul(x, f.splat(2)), f.splat(1))));
      f.do(v128.store(at, x, 16));
      f.do(v128.store(at, i8x16.shuffle(x, x, [12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]), 32));
      f.do(v128.store(at, i32x4.shl(i32x4.const(-3), i32.const(2)), 48));
      f.do(v128.store(at, f.lanes(1, 2, 3, -4), 64));
      f.return(f32x4.extract_lane(x, 2));
      return f;
    },
    (floats) => floats.set([1, 2, 3, 4]),
  );
  assert.is(call(0, 3), 31);
  assert.equal([...floats.subarray(4, 12)], [15, 23, 31, 39, 39, 31, 23, 15]);
  const words = new Int32Array(floats.buffer);
  assert.equal([...words.subarray(12, 20)], [-12, -12, -12, -12, 1, 2, 3, -4]);
});

test('helper functions are built once and called by index; select, tee and bulk memory', () => {
  let builds = 0;
  const { call, floats } = run((w) => {
    const square = (): FunctionBuilder =>
      w.once('square', () => {
        builds++;
        const f = w.function('square', { x: 'f32' }, 'f32');
        f.return(f32.mul(f.args.x, f.args.x));
        return f;
      });
    const f = w.function('main', { x: 'f32', n: 'i32' }, 'f32');
    const once = f.let(f.callFor('f32', square(), f.args.x));
    const twice = f.let(f.callFor('f32', square(), once));
    f.do(f32.store(i32.const(256), twice));
    f.do(f32.store(i32.const(260), twice));
    f.do(bulk.fill(i32.const(264), i32.const(0), i32.const(8)));
    const m = f.local('i32');
    f.return(select(once, twice, i32.gt_s(tee(m, i32.sub(f.args.n, i32.const(1))), i32.const(0))));
    return f;
  });
  assert.is(call(3, 5), 9);
  assert.is(call(3, 1), 81);
  assert.is(builds, 1);
  assert.equal([...floats.subarray(64, 66)], [81, 81]);
});

test('numbers at the edges of LEB128 come out as they went in', () => {
  for (const value of [0, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 2 ** 31 - 1, -(2 ** 31)]) {
    const { call } = run((w) => {
      const f = w.function('value', {}, 'i32');
      f.return(i32.const(value));
      return f;
    });
    assert.is(call(), value);
  }
  const { call, floats } = run((w) => {
    const f = w.function('far', { at: 'i32' }, 'f32');
    f.return(f32.load(f.args.at, 65532 - 128));
    return f;
  });
  floats[16383] = 0.1;
  assert.is(call(128), Math.fround(0.1));
});

test('an export name is taken once', async () => {
  const w = new ModuleBuilder({ shared: true, maximumPages: 1 });
  const f = w.function('f', {});
  w.export('f', f);
  await throws(InternalError, 'internal', () => w.export('f', f), 'there already');
  assert.ok(WebAssembly.validate(w.bytes()));
});

test.run();
