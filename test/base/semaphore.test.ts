/** As many holders as there are places, in order, whoever gives up waiting. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Semaphore } from '../../src/base/semaphore.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('semaphore');

test('work is done in the order it came, never two at once', async () => {
  const one = new Semaphore(1);
  const log: string[] = [];
  let holders = 0;
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const release = await one.lock();
      assert.is(++holders, 1);
      await Promise.resolve();
      log.push(name);
      holders--;
      release();
    }),
  );
  assert.equal(log, ['a', 'b', 'c']);
  (await one.lock())();
});

test('an abort while waiting rejects at once, and does not let the next in early', async () => {
  const one = new Semaphore(1);
  const first = await one.lock();
  const controller = new AbortController();
  const second = reasonOf(one.lock(controller.signal));
  let thirdIn = false;
  const third = one.lock().then((release) => {
    thirdIn = true;
    return release;
  });
  controller.abort(new Error('enough'));
  assert.is(String(await second), 'Error: enough');
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(thirdIn, false);
  first();
  (await third)();
  (await one.lock())();
});

test('an aborted signal never gets the lock', async () => {
  const one = new Semaphore(1);
  const signal = AbortSignal.abort(new Error('before'));
  assert.is(await reasonOf(one.lock(signal)), signal.reason);
  (await one.lock())();
});

test('as many enter as there are places, and nobody passes one who needs more of them', async () => {
  const places = new Semaphore(3);
  const log: string[] = [];
  const enter = async (name: string, count: number, signal?: AbortSignal): Promise<() => void> => {
    const release = await places.lock(signal, count);
    log.push(name);
    return release;
  };
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const [a, b] = [await enter('a', 1), await enter('b', 1)];
  assert.is(places.held, 2);
  const all = enter('all', 3);
  const c = enter('c', 1);
  await settled();
  assert.equal(log, ['a', 'b'], 'there is room for c, who came later');
  a();
  b();
  (await all)();
  (await c)();
  assert.equal(log, ['a', 'b', 'all', 'c']);
  assert.is(places.held, 0);

  const last = await enter('last', 1);
  const controller = new AbortController();
  const never = reasonOf(enter('never', 3, controller.signal));
  const small = enter('small', 1);
  await settled();
  controller.abort(new Error('enough'));
  assert.is(String(await never), 'Error: enough');
  (await small)();
  last();
  assert.equal(log.slice(4), ['last', 'small'], 'who waited behind it comes in at once');
  assert.is(places.held, 0);
});

test.run();
