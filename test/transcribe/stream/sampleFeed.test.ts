import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../../src/base/errors.ts';
import { SampleFeed } from '../../../src/transcribe/stream/sampleFeed.ts';
import { reasonOf, throws } from '../../support/throws.ts';

const test = suite('sampleFeed');

/** Numbers from 0 on, `size` at a time, in one array that is used again and again. */
function* counting(total: number, size: number, asked: (n: number) => void = () => {}): Generator<Float32Array> {
  const reused = new Float32Array(size);
  for (let at = 0; at < total; at += size) {
    asked(at);
    for (let i = 0; i < size; i++) reused[i] = at + i;
    yield reused.subarray(0, Math.min(size, total - at));
  }
}

async function drain(feed: SampleFeed, most: number): Promise<number[]> {
  const all: number[] = [];
  for (;;) {
    const taken = await feed.take(most);
    if (taken.length === 0) return all;
    assert.ok(taken.length <= most);
    all.push(...taken);
  }
}

test('samples come once, in order, whatever the sizes', async () => {
  for (const [size, capacity, most] of [
    [1, 5, 3],
    [7, 5, 5],
    [100, 5, 2],
    [3, 50, 1000],
  ] as const) {
    const feed = new SampleFeed(counting(100, size), capacity);
    assert.equal(
      await drain(feed, most),
      Array.from({ length: 100 }, (_, i) => i),
      `${size} ${capacity} ${most}`,
    );
    assert.ok(feed.isEnded);
  }
});

test('the source is not asked for more than there is room for', async () => {
  let asked = 0;
  const feed = new SampleFeed(
    counting(100, 10, (at) => {
      asked = at;
    }),
    25,
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(asked, 20, 'the third piece is half taken');
  assert.is(feed.takeNow(5).length, 5);
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(asked, 30);
  feed.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(asked, 30, 'closed: no more');
});

test('takeNow does not wait', () => {
  assert.is(new SampleFeed(counting(10, 1), 5).takeNow(3).length, 0, 'nothing has come yet');
});

test('what the source throws comes after its samples', async () => {
  const feed = new SampleFeed(
    (function* () {
      yield Float32Array.of(1, 2);
      throw new Error('unplugged');
    })(),
    10,
  );
  assert.equal([...(await feed.take(9))], [1, 2]);
  assert.not.ok(feed.isEnded);
  assert.is(String(await reasonOf(feed.take(9))), 'Error: unplugged');
});

test('what is not sound is refused', async () => {
  const wrong = [[1, 2, 3]] as unknown as Iterable<Float32Array>; // as untyped callers do
  await throws(OptionsError, 'samples', new SampleFeed(wrong, 10).take(1));
  const noSources: unknown[] = [undefined, null, 5, 'a.wav', {}, new Float32Array(3), new Uint8Array(3)];
  for (const source of noSources)
    await throws(
      OptionsError,
      'samples',
      () => new SampleFeed(source as Iterable<Float32Array>, 10),
      'one after another',
    );
});

test('an abort ends the wait for a silent source', async () => {
  const controller = new AbortController();
  const mute = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const feed = new SampleFeed(mute, 10, controller.signal);
  const waiting = reasonOf(feed.take(1));
  controller.abort(new Error('enough'));
  assert.is(String(await waiting), 'Error: enough');
});

test.run();
