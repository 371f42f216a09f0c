import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sha256, sha256 } from '../../src/store/sha256.ts';

const test = suite('sha256');

test('every length around a block, in pieces of every size', async () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 37) % 251);
  for (let length = 0; length <= 200; length++) {
    const part = bytes.slice(0, length);
    const wanted = createHash('sha256').update(part).digest('hex');
    for (const piece of [1, 7, 63, 64, 65, 200]) {
      const hash = new Sha256();
      for (let at = 0; at < length; at += piece) hash.update(part.subarray(at, at + piece));
      assert.is(hash.hex(), wanted, `${length} bytes in pieces of ${piece}`);
    }
    assert.is(await sha256(part), wanted);
  }
});

test('a length in bits that does not fit 32', () => {
  const hash = new Sha256();
  const block = new Uint8Array(2 ** 20).fill(7);
  for (let i = 0; i < 513; i++) hash.update(block);
  assert.is(hash.hex(), 'a8c7bb0d00250ce341ec19a41d8603a4fd20d14fdbce3d2cb2c71a927b7968c9'); // by Python's hashlib
});

test.run();
