/**
 * Products of int8 weights in integers are the same number to the last bit on every machine: here against plain JavaScript
 * that does what int8Inputs.ts says, with the instructions that different engines get.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../../src/base/random.ts';
import { createCpuDevice } from '../../../src/devices/wasm/device.ts';
import { readFloats } from '../../../src/engine/device.ts';
import { dequantize, floatsOf, int8Layout, quantize } from '../../../src/engine/int8.ts';
import { command } from '../../../src/engine/program.ts';
import {
  INPUT_STEPS,
  INTEGER_ROWS,
  INTEGER_TILES,
  LONGEST_INTEGER_SUM,
} from '../../../src/kernels/matmul/int8Inputs.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { panelCount, panelIndex } from '../../../src/kernels/matmul/panels.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';

const test = suite('int8 products');
const platform = createNodePlatform();
const width = 16;
const byRow = Number.POSITIVE_INFINITY;

for (const [what, wasm] of [
  ['this engine', platform.wasm],
  ['no relaxed SIMD', { relaxedSimd: false, revectorize: false, preloadsOperands: false }],
  ['an old compiler', { ...platform.wasm, preloadsOperands: true }],
] as const) {
  for (const [rows, k, n] of [
    [1, 1, 1],
    [1, 384, 40],
    [2, 37, 33],
    [3, 64, 16],
    [5, 100, 48],
    [7, LONGEST_INTEGER_SUM, 20],
    [4, LONGEST_INTEGER_SUM + 1, 16],
    [6, 5120, 17],
    [49, 64, 33],
    [131, 37, 400],
    [53, LONGEST_INTEGER_SUM + 7, 20],
  ] as const) {
    test(`${what}: ${rows} rows of ${k}, ${n} outputs`, async () => {
      const random = randomStream(rows * k + n);
      const x = Float32Array.from({ length: rows * k }, () => (2 * random() - 1) * 10 ** (6 * random() - 3));
      // Among the rows one of zeros, and one whose every product is as large as it can be.
      if (rows > 1) x.fill(0, k, 2 * k);
      if (rows > 2) x.fill(1, 2 * k, 3 * k);
      const shape = [panelCount(n, width), k, width];
      const weights = new Float32Array(shape.reduce((product, size) => product * size, 1));
      for (let j = 0; j < n; j++)
        for (let i = 0; i < k; i++) weights[panelIndex(j, i, k, width)] = weight(j, i, random);
      const stored = quantize(weights, shape, byRow);
      const bias = Float32Array.from({ length: n }, () => random());
      const got = await product({ x, stored, bias, rows, k, n, shape }, wasm);
      const want = emulate({ x, stored, bias, rows, k, n, shape });
      const at = got.findIndex((value, i) => !Object.is(value, want[i]));
      assert.is(at, -1, `output ${at}: ${got[at]}, not ${want[at]}`);
    });
  }
}

/** Of output j: 0 is as large as can be, 1 and 2 are on grids that reach farther to one side, so that they have zeros. */
function weight(j: number, i: number, random: () => number): number {
  if (j === 0) return 1;
  if (j === 1) return i === 0 ? -200 : Math.round(50 * random());
  if (j === 2) return 0.5 * (i === 0 ? 255 : Math.round(20 * random()));
  return 2 * random() - 1;
}

interface Product {
  readonly x: Float32Array;
  readonly stored: Int8Array;
  readonly bias: Float32Array;
  readonly rows: number;
  readonly k: number;
  readonly n: number;
  readonly shape: readonly number[];
}

async function product(p: Product, wasm: typeof platform.wasm): Promise<Float32Array> {
  const device = await createCpuDevice({ ...platform, wasm }, { threads: 1 });
  try {
    const x = device.allocate('x', 'f32', [p.rows, p.k], 'state');
    const w = device.allocate('w', 'int8', p.shape, 'weights');
    const bias = device.allocate('bias', 'f32', [p.n], 'weights');
    const y = device.allocate('y', 'f32', [p.rows, p.n], 'state');
    device.write(x, p.x);
    device.write(w, p.stored);
    device.write(bias, p.bias);
    const run = { ...command(matmul, { x, w, bias, y }), variant: p.rows > 48 ? INTEGER_TILES : INTEGER_ROWS };
    const [ready] = await device.prepare([{ name: 'product', commands: [run], scratch: [] }]);
    device.submit(ready!);
    return await readFloats(device, y);
  } finally {
    await device.close();
  }
}

function emulate({ x, stored, bias, rows, k, n, shape }: Product): Float32Array {
  const { fround } = Math;
  const layout = int8Layout(shape, byRow);
  const { scales, zeros } = floatsOf(stored.buffer as ArrayBuffer, layout);
  if (n > 2 && k > 1) assert.ok(zeros[1] !== 0 && zeros[2] !== 0, 'there are zeros');
  // The integers, each with a scale of 1 and no zero.
  const unit = stored.slice();
  floatsOf(unit.buffer, layout).scales.fill(1);
  floatsOf(unit.buffer, layout).zeros.fill(0);
  const integers = dequantize(unit, shape, byRow);
  const y = new Float32Array(rows * n);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * k, (r + 1) * k);
    const most = row.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const perStep = fround(INPUT_STEPS / Math.max(most, fround(1e-30)));
    const step = fround(most * fround(1 / INPUT_STEPS));
    const whole = Float64Array.from(row, (value) => toEven(fround(value * perStep)));
    const rowSum = fround(whole.reduce((sum, value) => sum + value, 0));
    for (let j = 0; j < n; j++) {
      let total = 0;
      for (let begin = 0; begin < k; begin += LONGEST_INTEGER_SUM) {
        let sum = 0;
        for (let i = begin; i < Math.min(k, begin + LONGEST_INTEGER_SUM); i++)
          sum += whole[i]! * integers[panelIndex(j, i, k, width)]!;
        assert.ok(Math.abs(sum) < 2 ** 31, 'a sum fits 32 bits');
        total = fround(total + fround(sum));
      }
      const output = Math.floor(j / width) * width + (j % width);
      const rest = fround(total - fround(zeros[output]! * rowSum));
      y[r * n + j] = fround(fround(fround(rest * step) * scales[output]!) + bias[j]!);
    }
  }
  return y;
}

/** To a whole number; ties to even. */
function toEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

test.run();
