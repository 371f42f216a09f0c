/** exp, log and GELU of four floats at a time keep the errors that `math.ts` states, with and without multiply-add. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Local } from '../../../src/engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../../src/engine/wasm/function.ts';
import { exp, gelu, log } from '../../../src/engine/wasm/math.ts';
import { ModuleBuilder } from '../../../src/engine/wasm/module.ts';
import { i32 } from '../../../src/engine/wasm/scalar.ts';
import { type V128, v128 } from '../../../src/engine/wasm/simd.ts';
import type { WasmFeatures } from '../../../src/engine/wasm/variant.ts';
import { gelu as exactGelu } from '../../../src/kernels/matmul/gelu.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';

const test = suite('cpu math');
const platform = createNodePlatform();
const count = 1 << 16;

type Emit = (f: FunctionBuilder, features: WasmFeatures, x: Local<'v128'>) => V128;

/** f(x) for `count` numbers from `from` to `to`. */
async function evaluate(
  emit: Emit,
  features: WasmFeatures,
  xAt: (i: number) => number,
): Promise<[Float32Array, Float32Array]> {
  const w = new ModuleBuilder({ shared: false, maximumPages: 65536 });
  const f = w.function('run', { p: 'i32' });
  const x = f.local('v128');
  f.repeat(i32.const(count / 4), () => {
    f.set(x, v128.load(f.args.p));
    f.do(v128.store(f.args.p, emit(f, features, x), 4 * count));
    f.increase(f.args.p, 16);
  });
  w.export('run', f);
  const memory = new WebAssembly.Memory({ initial: (8 * count) / 65536, maximum: 65536 });
  const instance = new WebAssembly.Instance(await platform.compileWasm(w.bytes()), { env: { memory } });
  const input = new Float32Array(memory.buffer, 0, count);
  for (let i = 0; i < count; i++) input[i] = xAt(i);
  (instance.exports.run as (p: number) => void)(0);
  return [input, new Float32Array(memory.buffer, 4 * count, count)];
}

function largest(values: Float32Array, results: Float32Array, error: (x: number, y: number) => number): number {
  return values.reduce((worst, x, i) => Math.max(worst, error(x, results[i]!)), 0);
}

for (const relaxedSimd of new Set([platform.wasm.relaxedSimd, false])) {
  const features: WasmFeatures = { ...platform.wasm, relaxedSimd };
  const title = relaxedSimd ? 'multiply-add' : 'multiply and add';

  test(`exp, ${title}`, async () => {
    const [x, y] = await evaluate(exp, features, (i) => -80 + (168 * i) / count);
    assert.ok(largest(x, y, (v, r) => Math.abs(r / Math.exp(v) - 1)) < 1e-7);
    const [, low] = await evaluate(exp, features, (i) => -80 - i ** 2);
    assert.ok(low.every((r) => r > 1.7e-35 && r < 1.9e-35));
  });

  test(`log, ${title}`, async () => {
    const [x, y] = await evaluate(log, features, (i) => 2 ** (-126 + (253 * i) / count));
    const error = largest(x, y, (v, r) => Math.abs(r - Math.log(v)) / Math.max(0.5, Math.abs(Math.log(v))));
    assert.ok(error < 2e-7, `${error}`);
  });

  test(`GELU, ${title}`, async () => {
    const [x, y] = await evaluate(gelu, features, (i) => -12 + (24 * i) / count);
    const error = largest(x, y, (v, r) => Math.abs(r - exactGelu(v)));
    assert.ok(error < 5e-7, `${error}`);
    const [far, at] = await evaluate(gelu, features, (i) => [-1e4, -100, -45, 45, 100, 1e4][i % 6]!);
    assert.ok(far.every((v, i) => Math.abs(at[i]! - Math.max(v, 0)) < 1e-30));
  });
}

test.run();
