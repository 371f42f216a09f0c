/** One holder at a time, in order, whoever gives up waiting. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Mutex } from '../../src/base/mutex.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('mutex');

test('work is done in the order it came, never two at once', async () => {
  const mutex = new Mutex();
  const log: string[] = [];
  let holders = 0;
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const release = await mutex.lock();
      assert.is(++holders, 1);
      await Promise.resolve();
      log.push(name);
      holders--;
      release();
    }),
  );
  assert.equal(log, ['a', 'b', 'c']);
  (await mutex.lock())();
});

test('an abort while waiting rejects at once, and does not let the next in early', async () => {
  const mutex = new Mutex();
  const first = await mutex.lock();
  const controller = new AbortController();
  const second = reasonOf(mutex.lock(controller.signal));
  let thirdIn = false;
  const third = mutex.lock().then((release) => {
    thirdIn = true;
    return release;
  });
  controller.abort(new Error('enough'));
  assert.is(String(await second), 'Error: enough');
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(thirdIn, false);
  first();
  (await third)();
  (await mutex.lock())();
});

test('an aborted signal never gets the lock', async () => {
  const mutex = new Mutex();
  const signal = AbortSignal.abort(new Error('before'));
  assert.is(await reasonOf(mutex.lock(signal)), signal.reason);
  (await mutex.lock())();
});

test.run();
