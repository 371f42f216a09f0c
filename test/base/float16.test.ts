import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { narrowBf16, narrowF16, widenBf16, widenF16 } from '../../src/base/float16.ts';

const test = suite('float16');

/** IEEE binary16 straight from its definition. */
function f16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14);
}

const every16 = Uint16Array.from({ length: 65536 }, (_, i) => i);

test('f16: every pattern widens to its definition, and narrows back', () => {
  const wide = new Float32Array(65536);
  widenF16(every16, wide);
  const back = new Uint16Array(65536);
  narrowF16(wide, back);
  for (let i = 0; i < 65536; i++) {
    if (!Object.is(wide[i], f16(i))) assert.unreachable(`pattern ${i}: ${wide[i]}, not ${f16(i)}`);
    const nan = Number.isNaN(f16(i));
    if (nan ? (back[i]! & 0x7e00) !== 0x7e00 : back[i] !== i)
      assert.unreachable(`pattern ${i} came back as ${back[i]}`);
  }
});

test('f16: halfway rounds to even, a hair more or less to the nearer', () => {
  const f32 = new Float32Array(1);
  const bits = new Uint32Array(f32.buffer);
  const out = new Uint16Array(1);
  const narrowed = (): number => {
    narrowF16(f32, out);
    return out[0]!;
  };
  for (let i = 0; i < 0x7bff; i++) {
    f32[0] = (f16(i) + f16(i + 1)) / 2; // exact in f32
    const halfway = bits[0]!;
    assert.is(narrowed(), i & 1 ? i + 1 : i, `between ${i} and ${i + 1}`);
    bits[0] = halfway + 1;
    assert.is(narrowed(), i + 1);
    bits[0] = halfway - 1;
    assert.is(narrowed(), i);
  }
  assert.is(narrowF16(new Float32Array(0), new Uint16Array(0)), -1);
  for (const [value, half] of [
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [-65520, 0xfc00],
    [1e30, 0x7c00],
    [-1e-30, 0x8000],
    [2 ** -25, 0],
    [2 ** -25 * 1.001, 1],
  ] as const) {
    f32[0] = value;
    assert.is(narrowed(), half, String(value));
  }
});

test('f16: what becomes infinite is told, what was is not', () => {
  const values = Float32Array.of(1, Number.NEGATIVE_INFINITY, Number.NaN, 65519.996, -65520, 1e30);
  const out = new Uint16Array(values.length);
  assert.is(narrowF16(values, out), 4);
  assert.equal(Array.from(out.subarray(3)), [0x7bff, 0xfc00, 0x7c00]);
  assert.is(narrowF16(values.subarray(0, 4), out.subarray(0, 4)), -1);
});

test('bf16: every pattern comes back; halfway rounds to even; NaN stays NaN', () => {
  const wide = new Float32Array(65536);
  widenBf16(every16, wide);
  const back = new Uint16Array(65536);
  narrowBf16(wide, back);
  for (let i = 0; i < 65536; i++) {
    const nan = (i & 0x7fff) > 0x7f80;
    if (nan ? (back[i]! & 0x7fff) <= 0x7f80 : back[i] !== i) assert.unreachable(`pattern ${i} came back as ${back[i]}`);
  }
  const f32 = new Float32Array(new Uint32Array([0x3f808000, 0x3f818000, 0x3f808001, 0x7f7fffff, 0x7f800001]).buffer);
  const out = new Uint16Array(5);
  narrowBf16(f32, out);
  assert.equal([...out], [0x3f80, 0x3f82, 0x3f81, 0x7f80, 0x7fc0]);
});

test.run();
