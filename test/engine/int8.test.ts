/** Int8 with scales: the layout as it is written down, the grid that is kept, and how far rounding goes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import { dequantize, floatsOf, int8Layout, quantize } from '../../src/engine/int8.ts';

const test = suite('int8');
const row = Number.POSITIVE_INFINITY;

test('the layout, byte by byte', () => {
  // One panel of two outputs with five inputs: output n, input k holds the integer 10 n + k, times a scale of its own. The second
  // reaches to -200, and so has a zero.
  const [k, width] = [5, 2];
  const integer = (n: number, i: number): number => (i === 4 ? 127 - 327 * n : 10 * n + i);
  const values = new Float32Array(k * width);
  for (let i = 0; i < k; i++) for (let n = 0; n < width; n++) values[i * width + n] = integer(n, i) * (n + 1) * 0.5;
  const stored = quantize(values, [1, k, width], row);
  assert.equal([...stored.subarray(0, 12)], [0, 1, 82, 83, 2, 3, 84, 85, 127, 0, -128, 0]);
  assert.equal([...new Float32Array(stored.buffer, 12)], [0.5, 1, 0, 72]);
  assert.is(stored.length, 12 + 8 + 8);
  assert.equal([...dequantize(stored, [1, k, width], row)], [...values]);
});

test('what lies on a grid is kept, to the bit', () => {
  const random = randomStream(11);
  for (const block of [row, 32]) {
    // As many steps to either side, or more to one: an export by tensors has 256 in all.
    for (const [least, most] of [
      [-1, 1],
      [-2, 2],
      [-126, 126],
      [-127, 127],
      [-128, 127],
      [-127, 128],
      [-140, 115],
      [-3, 252],
      [0, 255],
      [-255, 0],
    ] as const) {
      const [panels, k, width] = [2, 96, 16];
      const values = new Float32Array(panels * k * width);
      // A step for each output and block, as an export by rows has, or one for all, as one by tensors.
      for (const isByTensor of [true, false]) {
        const steps = Float32Array.from({ length: panels * 3 * width }, () => 1e-3 * (1 + random()));
        for (let at = 0; at < values.length; at++) {
          const [lane, i, panel] = [at % width, Math.floor(at / width) % k, Math.floor(at / width / k)];
          const own = block === row ? 0 : Math.floor(i / 32);
          const step = isByTensor ? steps[0]! : steps[(panel * 3 + own) * width + lane]!;
          // Each row has both ends.
          const whole = i % 32 === 0 ? least : i % 32 === 1 ? most : Math.round(least + (most - least) * random());
          values[at] = step * whole;
        }
        const kept = dequantize(quantize(values, [panels, k, width], block), [panels, k, width], block);
        const lost = kept.findIndex((value, at) => Math.abs(value - values[at]!) > 2e-7 * Math.abs(values[at]!));
        assert.is(lost, -1, `${values[lost]} became ${kept[lost]}, ${least} to ${most} steps`);
      }
    }
  }
});

test('what was quantised once is not changed by doing it again', () => {
  const random = randomStream(5);
  const shape = [3, 384, 16];
  const values = Float32Array.from({ length: 3 * 384 * 16 }, () => random() - 0.5);
  for (const block of [row, 32]) {
    const once = quantize(values, shape, block);
    const twice = quantize(dequantize(once, shape, block), shape, block);
    const layout = int8Layout(shape, block);
    assert.equal(twice.subarray(0, layout.scales), once.subarray(0, layout.scales));
    assert.equal(twice.subarray(layout.zeros), once.subarray(layout.zeros));
    const [a, b] = [once, twice].map((stored) => floatsOf(stored.buffer as ArrayBuffer, layout).scales);
    const worst = Math.max(...a!.map((scale, i) => Math.abs(scale - b![i]!) / scale));
    assert.ok(worst <= 2 ** -23, `a scale moved by ${worst}`);
  }
});

test('other values are off by half a step of the largest / 127; zeros and a single value are exact', () => {
  const random = randomStream(3);
  for (const block of [row, 32]) {
    const shape = [1, 70, 4];
    const values = Float32Array.from({ length: 280 }, () => random() - 0.5);
    for (let i = 0; i < 70; i++) values[4 * i] = 0; // output 0
    for (let i = 0; i < 70; i++) values[4 * i + 1] = i === 69 ? -3.3 : 0; // output 1
    const got = dequantize(quantize(values, shape, block), shape, block);
    for (let at = 0; at < values.length; at++) {
      const lane = at % 4;
      const allowed = lane < 2 ? 0 : 0.5 / 127 / 2 + 1e-7;
      assert.ok(Math.abs(got[at]! - values[at]!) <= allowed, `${at}: ${values[at]} became ${got[at]}`);
    }
  }
});

test('a view at an odd address is read', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => i - 32);
  const stored = quantize(values, [1, 4, 16], row);
  const moved = new Int8Array(stored.length + 1);
  moved.set(stored, 1);
  assert.equal(dequantize(moved.subarray(1), [1, 4, 16], row), values);
});

test.run();
