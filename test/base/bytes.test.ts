import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat, startsWith } from '../../src/base/bytes.ts';

const test = suite('bytes');

test('parts come in order, copied, in an array of the kind asked for', () => {
  const first = Uint8Array.of(9, 1, 2).subarray(1);
  const whole = concat(Uint8Array, [first, new Uint8Array(0), Buffer.from([3])]);
  first.fill(0);
  assert.equal(whole, Uint8Array.of(1, 2, 3));
  assert.is(whole.buffer.byteLength, 3);
  assert.equal(concat(Float32Array, [Float32Array.of(0.5), Int16Array.of(-3)]), Float32Array.of(0.5, -3));
  assert.equal(concat(Float64Array, []), new Float64Array(0));
});

test('a mark is found at its place, whole, and not beyond the end', () => {
  const bytes = Uint8Array.from('\x1aOggS\xdf', (c) => c.charCodeAt(0));
  assert.ok(startsWith(bytes, 'OggS', 1));
  assert.ok(startsWith(bytes, '\xdf', 5));
  assert.ok(startsWith(bytes, ''));
  assert.not.ok(startsWith(bytes, 'OggS'));
  assert.not.ok(startsWith(bytes, 'S\xdf\0', 4));
});

test.run();
