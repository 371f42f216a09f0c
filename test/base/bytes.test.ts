import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../../src/base/bytes.ts';

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

test.run();
