/** One at a time, in order, whoever gives up. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Turns } from '../../src/base/mutex.ts';

const test = suite('turns');

test('work is done in the order it came, never two at once', async () => {
  const turns = new Turns();
  const log: string[] = [];
  let busy = 0;
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const done = await turns.take();
      assert.is(++busy, 1);
      await Promise.resolve();
      log.push(name);
      busy--;
      done();
    }),
  );
  assert.equal(log, ['a', 'b', 'c']);
  (await turns.take())();
});

test('who gives up while waiting rejects at once, and does not let the next in early', async () => {
  const turns = new Turns();
  const first = await turns.take();
  const controller = new AbortController();
  const second = turns.take(controller.signal);
  let thirdIn = false;
  const third = turns.take().then((done) => {
    thirdIn = true;
    return done;
  });
  controller.abort(new Error('enough'));
  await second.then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), 'enough'),
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(thirdIn, false);
  first();
  (await third)();
  (await turns.take())();
});

test('an aborted signal never gets a turn', async () => {
  const turns = new Turns();
  await turns.take(AbortSignal.abort(new Error('before'))).then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), 'before'),
  );
  (await turns.take())();
});

test.run();
