/** What becomes of jobs that fail, that are for others, or that are none; and how far a queue is. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { QueueError } from '../../src/base/errors.ts';
import { retryFailed } from '../../src/batch/queue/retry.ts';
import { queueStatus } from '../../src/batch/queue/status.ts';
import { filesIn, lengths, offerNow, onEachBroker, put, recordings, until } from '../support/queueTests.ts';
import { throws } from '../support/throws.ts';

await onEachBroker('batch/queue, jobs', {
  'errors of the machine are tried again, and what failed can be put in again': async ({ folder, broker, worker }) => {
    const tasks = recordings(join(folder, 'in'), {
      ...{ 'a.wav': 'one', 'b.wav': 'corrupt', 'c.wav': 'device', 'd.wav': 'option' },
    });
    const out = join(folder, 'out');
    await put(broker, tasks, { out });
    rmSync(join(folder, 'in/a.wav'));
    // A lost device ends a worker, and is counted against the recording.
    for (let i = 0; i < 3; i++) {
      assert.match((await worker({ parallel: 1 }).ended) ?? '', 'The device was lost.');
    }
    const last = worker({ untilEmpty: true });
    assert.is(await last.ended, undefined);
    const { failed } = await queueStatus(broker.queue, lengths);
    assert.equal(
      failed.map(({ id, error }) => [id, error.replaceAll(folder, '')]),
      [
        ['a.wav', 'There is no file /in/a.wav.'],
        ['b.wav', '/in/b.wav: it is no sound. Record it again.'],
        ['c.wav', 'The device was lost.'],
        ['d.wav', 'This model cannot do it.'],
      ],
    );
    assert.equal(await retryFailed(broker.queue, ['a.wav', 'x.wav'], () => 1), { retried: 1, unknown: ['x.wav'] });
    writeFileSync(join(folder, 'in/a.wav'), 'one');
    assert.is(await worker({ untilEmpty: true }).ended, undefined);
    assert.ok(filesIn(out).has('a.txt'));
    assert.equal(await retryFailed(broker.queue, [], () => 1), { retried: 3, unknown: [] });
    assert.is((await queueStatus(broker.queue, lengths)).failed.length, 0);
  },

  'a recording that workers die of is given up, and can be put in again': async ({
    folder,
    broker,
    worker,
    program,
  }) => {
    const go = join(folder, 'go');
    const tasks = recordings(join(folder, 'in'), { 'a.wav': `until=${go}` });
    const out = join(folder, 'out');
    await put(broker, tasks, { out });
    // The first, and five more.
    for (let died = 0; died < 6; died++) {
      const dying = program({ lockMs: 100 });
      await dying.said('begin a.wav');
      await dying.kill();
    }
    assert.is(await worker({ untilEmpty: true, lockMs: 100 }).ended, undefined);
    const [failed] = (await queueStatus(broker.queue, lengths)).failed;
    assert.match(failed?.error ?? '', 'workers were lost');
    // As if it had never been tried: another worker may be lost by it.
    assert.equal(await retryFailed(broker.queue, [], () => 1), { retried: 1, unknown: [] });
    const dying = program({ lockMs: 100 });
    await dying.said('begin a.wav');
    await dying.kill();
    writeFileSync(go, '');
    assert.is(await worker({ untilEmpty: true, lockMs: 100 }).ended, undefined);
    assert.ok(filesIn(out).has('a.txt'));
  },

  'jobs for other models are left to others': async ({ folder, broker, worker }) => {
    const out = join(folder, 'out');
    const tasks = recordings(join(folder, 'in'), { 'a.wav': 'one' });
    await put(broker, tasks, { out });
    await throws(QueueError, 'model', put(broker, tasks, { out, identity: 'other' }), '--queue_name');
    const other = worker({ untilEmpty: true, identity: 'other' });
    assert.is(await other.ended, undefined);
    assert.match(other.lines.join('\n'), 'for the model scripted, and this worker has scripted');
    assert.equal([...filesIn(out)], []);
  },

  'jobs whose outputs would go to a folder that is not theirs are left to others': async ({
    folder,
    broker,
    worker,
  }) => {
    const out = join(folder, 'out');
    await put(broker, recordings(join(folder, 'in'), { 'a.wav': 'one' }), { out });
    renameSync(out, join(folder, 'mounted'));
    mkdirSync(out);
    const elsewhere = worker({ untilEmpty: true });
    assert.is(await elsewhere.ended, undefined);
    assert.match(elsewhere.lines.join('\n'), 'is not here the one');
    assert.equal(readdirSync(out), []);
    // At another path it is.
    await offerNow(broker);
    assert.is(await worker({ untilEmpty: true, otherPath: join(folder, 'mounted') }).ended, undefined);
    assert.is(filesIn(join(folder, 'mounted')).size, 2);
  },

  'how far a queue is': async ({ folder, broker, worker }) => {
    const go = join(folder, 'go');
    const out = join(folder, 'out');
    const tasks = recordings(join(folder, 'in'), {
      'a.wav': `until=${go} ${'.'.repeat(200)}`,
      'b.wav': 'x'.repeat(20),
      'c.wav': 'corrupt',
    });
    await put(broker, tasks, { out });
    const running = worker();
    await running.said('begin a.wav');
    await running.said('failed c.wav');
    await running.said('done b.wav');
    await until(async () => (await queueStatus(broker.queue, lengths)).done === 1, 'one to be done');
    const status = await queueStatus(broker.queue, lengths);
    const bytes = tasks[0]?.item.bytes ?? 0;
    assert.equal(
      {
        ...status,
        failed: status.failed.length,
        speed: status.speed !== undefined,
        secondsLeft: (status.secondsLeft ?? 0) > 0,
      },
      {
        waiting: 0,
        active: 1,
        done: 1,
        failed: 1,
        seconds: { done: 20, left: bytes },
        speed: true,
        secondsLeft: true,
      },
    );
    writeFileSync(go, '');
    await running.said('done a.wav');
    assert.is(await running.stop(), undefined);
    assert.is((await queueStatus(broker.queue, lengths)).secondsLeft, 0);
  },

  'a job that is none of ours fails alone': async ({ folder, broker, worker }) => {
    const out = join(folder, 'out');
    const [task] = recordings(join(folder, 'in'), { 'a.wav': 'one' });
    assert.ok(task);
    const data = { item: task.item, key: 'x' } as never; // of another program
    await broker.queue.addBulk([{ name: 'x', data, opts: { jobId: 'x', priority: 1 } }]);
    const item = { ...task.item, id: 'up', name: '../up' };
    await put(broker, [task, { item, key: '0'.repeat(64) }], { out });
    const one = worker({ untilEmpty: true });
    assert.is(await one.ended, undefined);
    assert.equal(
      [...filesIn(folder).keys()].filter((name) => /^(up|out)/.test(name)),
      ['out/a.json', 'out/a.txt'],
    );
    assert.is((await queueStatus(broker.queue, lengths)).failed.length, 2);
  },
});
