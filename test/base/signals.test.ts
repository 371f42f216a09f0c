import { getEventListeners } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { anySignal, onAbort, piecesUntilAborted, untilAborted } from '../../src/base/signals.ts';
import { yieldToEventLoop } from '../../src/base/yieldToEventLoop.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('signals');

async function all(stream: AsyncIterable<number>, signal?: AbortSignal): Promise<number[]> {
  const found: number[] = [];
  for await (const piece of piecesUntilAborted(stream, signal)) found.push(piece);
  return found;
}

test('pieces come in order to the end, and a failure as it is', async () => {
  let isClosed = false;
  async function* three(last?: Error): AsyncGenerator<number> {
    try {
      yield* [1, 2, 3];
      if (last) throw last;
    } finally {
      isClosed = true;
    }
  }
  assert.equal(await all(three(), new AbortController().signal), [1, 2, 3]);
  assert.equal(await all(three()), [1, 2, 3]);
  assert.is(String(await reasonOf(all(three(new Error('unplugged'))))), 'Error: unplugged');
  isClosed = false;
  for await (const _ of piecesUntilAborted(three(), undefined)) break;
  await yieldToEventLoop(); // not waited for by the loop
  assert.ok(isClosed, 'who leaves the loop ends the stream');
});

test('an abort ends the wait for a stream that is stuck', async () => {
  const controller = new AbortController();
  async function* stuck(): AsyncGenerator<number> {
    yield 1;
    controller.abort(new Error('enough'));
    await new Promise(() => {});
  }
  // It does not answer `return` either.
  assert.is(String(await reasonOf(all(stuck(), controller.signal))), 'Error: enough');
  assert.is(String(await reasonOf(all(stuck(), controller.signal))), 'Error: enough');
});

test('however many want to know of an abort, the signal has one listener', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const called: number[] = [];
  const releases = Array.from({ length: 30 }, (_, i) => onAbort(signal, () => called.push(i)));
  const joined = Array.from({ length: 30 }, () => anySignal(signal, new AbortController().signal));
  const waiting = Array.from({ length: 30 }, () => reasonOf(untilAborted(new Promise(() => {}), signal)));
  assert.is(getEventListeners(signal, 'abort').length, 1);
  releases[3]?.();
  joined[4]?.release();
  controller.abort(new Error('enough'));
  assert.equal(
    called,
    releases.map((_, i) => i).filter((i) => i !== 3),
  );
  assert.equal(
    joined.map((one) => one.signal.aborted),
    joined.map((_, i) => i !== 4),
  );
  for (const reason of await Promise.all(waiting)) assert.is(String(reason), 'Error: enough');
  onAbort(signal, () => called.push(-1));
  assert.is(called.at(-1), -1, 'at once when it has aborted');
  onAbort(undefined, () => called.push(-2))();
  assert.not.ok(called.includes(-2));
});

test('a function that is given twice is called twice, and released once', () => {
  const controller = new AbortController();
  let calls = 0;
  const count = (): void => void calls++;
  onAbort(controller.signal, count);
  onAbort(controller.signal, count)();
  controller.abort();
  assert.is(calls, 1);
});

test.run();
