import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { piecesUntilAborted } from '../../src/base/signals.ts';
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

test.run();
