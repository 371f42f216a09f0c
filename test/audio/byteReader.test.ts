import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader } from '../../src/audio/byteReader.ts';
import { blobBytes, memoryBytes } from '../../src/audio/byteSource.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('byteReader');

const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);

async function* inPieces(size: number, reused = new Uint8Array(size)): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    reused.set(part);
    yield reused.subarray(0, part.length);
    yield new Uint8Array(0); // no end
  }
}

const readers = (): [string, ByteReader][] => [
  ['memory', ByteReader.ofSource(memoryBytes(bytes))],
  ['Blob', ByteReader.ofSource(blobBytes(new Blob([bytes])))],
  ['stream of small pieces', ByteReader.ofStream(inPieces(1000))],
  ['stream of large pieces', ByteReader.ofStream(inPieces(500_000))],
];

test('bytes come in order, by looking, skipping and reading', async () => {
  for (const [name, reader] of readers()) {
    let at = 0;
    for (let i = 0; at < bytes.length; i++) {
      const [least, skipped] = [(i * 7919) % 5000, (i * 104_729) % 9000];
      const seen = await reader.peek(least, least + 100);
      assert.ok(seen.length >= Math.min(least, bytes.length - at) && seen.length <= least + 100, name);
      assert.equal(seen, bytes.slice(at, at + seen.length), `${name} at ${at}`);
      await reader.advance(skipped);
      at = Math.min(at + skipped, bytes.length);
      assert.is(reader.position, at, name);
    }
    assert.is((await reader.peek(1)).length, 0, name);
  }
});

test('a source goes to any place, a stream back to its start until that is released', async () => {
  for (const [name, reader] of readers()) {
    await reader.advance(400_000);
    assert.ok(reader.rewind(), name);
    assert.equal(await reader.peek(300_000), bytes.slice(0, 300_000), name);
    if (reader.size !== undefined) {
      for (const place of [600_000, 1, 300_000, 1e9, 0]) {
        reader.seek(place);
        assert.is((await reader.peek(1))[0], bytes[place], `${name} at ${place}`);
      }
      continue;
    }
    assert.throws(() => reader.seek(5), /stream/);
    reader.release();
    await reader.advance(600_000);
    await reader.peek(100_000);
    assert.ok(!reader.rewind(), name);
  }
});

test('the rest is all that has not been skipped', async () => {
  for (const [name, reader] of readers()) {
    await reader.advance(123_456);
    await reader.peek(5000);
    const parts: Uint8Array[] = [];
    for await (const part of reader.rest()) parts.push(part);
    assert.equal(Buffer.concat(parts), Buffer.from(bytes.subarray(123_456)), name);
  }
});

test('a source that became shorter ends, a stream that is stuck can be left', async () => {
  const shrunk = { size: 1000, read: async (begin: number, end: number) => bytes.subarray(begin, Math.min(end, 600)) };
  const reader = ByteReader.ofSource(shrunk);
  assert.is((await reader.peek(1000)).length, 600);
  const controller = new AbortController();
  async function* stuck(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 10);
    await new Promise(() => {});
  }
  const stream = ByteReader.ofStream(stuck(), { signal: controller.signal });
  assert.is((await stream.peek(1, 100)).length, 10);
  setTimeout(() => controller.abort(), 1);
  assert.is(await reasonOf(() => stream.peek(11)), controller.signal.reason);
  await stream.close();
});

test.run();
