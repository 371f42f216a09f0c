/** Ranges of a file in pieces: the right bytes, through buffers that are used again, and nothing left behind. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BufferPool, readPieces } from '../../src/checkpoint/readPieces.ts';
import { memorySource, type WeightSource } from '../../src/checkpoint/source.ts';

const test = suite('read pieces');
const bytes = Uint8Array.from({ length: 5_000_003 }, (_, i) => (i * 7 + (i >>> 8)) & 255);

/** A source that fills buffers, in later turns of the event loop, and counts what it is doing. */
function fillingSource(): WeightSource & { running: number; buffers: Set<ArrayBuffer>; failAt: number } {
  const plain = memorySource('memory', bytes);
  const source = {
    ...plain,
    running: 0,
    buffers: new Set<ArrayBuffer>(),
    failAt: Number.POSITIVE_INFINITY,
    async readInto(begin: number, target: Uint8Array<ArrayBuffer>): Promise<void> {
      source.running++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      source.running--;
      if (begin >= source.failAt) throw new Error(`no bytes from ${begin} on`);
      source.buffers.add(target.buffer);
      target.set(bytes.subarray(begin, begin + target.length));
    },
  };
  return source;
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of pieces) {
    assert.is(piece.byteOffset % 4, 0);
    copies.push(Buffer.from(piece));
    piece.fill(0xee); // its bytes are not needed any more
  }
  return Buffer.concat(copies);
}

test('any range, of sources that fill buffers and of those that do not', async () => {
  for (const source of [fillingSource(), memorySource('memory', bytes)])
    for (const [begin, end] of [
      [0, 0],
      [3, 4],
      [1, 2 ** 19 + 1],
      [8, bytes.length],
      [0, 2 ** 22],
    ] as const) {
      const got = await collect(readPieces(source, begin, end, []));
      assert.ok(got.equals(bytes.subarray(begin, end)), `${begin} to ${end}`);
    }
});

test('two buffers serve tensor after tensor', async () => {
  const source = fillingSource();
  const pool: BufferPool = [];
  for (let i = 0; i < 4; i++) await collect(readPieces(source, i, bytes.length, pool));
  assert.is(source.buffers.size, 2);
  assert.is(pool.length, 2);
});

test('who stops early leaves no read behind, and gives the buffers back', async () => {
  const source = fillingSource();
  const pool: BufferPool = [];
  for await (const _ of readPieces(source, 0, bytes.length, pool)) break;
  assert.is(source.running, 0);
  assert.is(pool.length, 2);
});

test('a failure comes in its turn, and not as a rejection that nobody handles', async () => {
  const source = fillingSource();
  source.failAt = 2 ** 19;
  const pool: BufferPool = [];
  let pieces = 0;
  let message = '';
  try {
    for await (const _ of readPieces(source, 0, bytes.length, pool)) {
      pieces++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } catch (error) {
    message = (error as Error).message;
  }
  assert.is(pieces, 1);
  assert.is(message, 'no bytes from 524288 on');
  assert.is(pool.length, 2);
});

test.run();
