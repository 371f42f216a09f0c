/** Each output once, whatever becomes of workers and brokers: killed, stopped, restarted. */
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import { readJournals } from '../../src/batch/journal.ts';
import { queueStatus } from '../../src/batch/queue/status.ts';
import {
  doneKeys,
  filesIn,
  leftIn,
  lengths,
  onEachBroker,
  put,
  type QueueTest,
  recordings,
  sequential,
  until,
} from '../support/queueTests.ts';

const KILLS = 10;

/** A worker that is stopped in the middle of its recording, which lasts until there is a file `go`. */
async function standingStill({ folder, broker, program }: QueueTest, when: 'begin' | 'hear') {
  const [go, out] = [join(folder, 'go'), join(folder, 'out')];
  await put(broker, recordings(join(folder, 'in'), { 'a.wav': `until=${go}` }), { out });
  const stopped = program();
  await stopped.said(when);
  stopped.child.kill('SIGSTOP');
  return { go, out, stopped };
}

await onEachBroker('batch/queue, once', {
  'three workers, ten kills and a restart of the broker: each output once, as one process makes it': async ({
    folder,
    broker,
    program,
    server,
  }) => {
    const random = randomStream(20261129);
    // More in each group than the three workers take at once, so that there is something to begin before each kill.
    const names = Array.from({ length: 9 * (KILLS + 1) }, (_, i) => `${i % 3}/r${i}.wav`);
    const go = (kills: number): string => join(folder, `go-${kills}`);
    const texts = names.map((name, i) => [name, `This is ${name}, until=${go(Math.floor(i / 9))} ms=20`] as const);
    for (const part of ['0', '1', '2']) mkdirSync(join(folder, 'in', part), { recursive: true });
    const tasks = recordings(join(folder, 'in'), Object.fromEntries([...texts, ['bad.wav', 'corrupt']]));
    const out = join(folder, 'out');
    assert.equal(await put(broker, tasks, { out }), { added: names.length + 1, queued: 0, done: 0, failed: 0 });
    const workers = [program(), program(), program()];
    for (let kills = 0; kills < KILLS; kills++) {
      const which = Math.floor(workers.length * random());
      await workers[which]?.said('begin');
      await sleep(30 * random());
      await workers[which]?.kill();
      workers[which] = program();
      writeFileSync(go(kills), '');
      if (kills !== KILLS / 2) continue;
      // Who finds no broker at the start ends.
      for (const one of workers) await one.said('begin');
      await server.stop();
      await server.start();
    }
    writeFileSync(go(KILLS), '');
    await until(async () => (await leftIn(broker)) === 0, 'an empty queue');
    for (const one of workers) assert.is(await one.stop(), undefined);
    await sequential(tasks, join(folder, 'wanted'));
    assert.equal(filesIn(out), filesIn(join(folder, 'wanted')));
    assert.is(filesIn(out).size, 2 * names.length);
    const { entries, damaged } = readJournals(out);
    assert.is(damaged, 0);
    const done = doneKeys(entries);
    assert.is(new Set(done).size, done.length, 'none twice');
    assert.equal(
      [...done].sort(),
      tasks
        .filter(({ item }) => item.id !== 'bad.wav')
        .map(({ key }) => key)
        .sort(),
    );
    const { failed, done: count } = await queueStatus(broker.queue, lengths);
    assert.is(count, names.length);
    assert.equal(
      failed.map(({ id, error }) => [id, error.replace(folder, '')]),
      [['bad.wav', '/in/bad.wav: it is no sound. Record it again.']],
    );
    assert.is(entries.filter(({ status }) => status === 'failed').length, 1);
  },

  'what is put in twice is done once, and not again while its outputs are there': async ({
    folder,
    broker,
    worker,
  }) => {
    const tasks = recordings(join(folder, 'in'), { 'a.wav': 'short', 'b.wav': 'a longer one', 'c.wav': 'corrupt' });
    const out = join(folder, 'out');
    assert.equal(await put(broker, tasks, { out }), { added: 3, queued: 0, done: 0, failed: 0 });
    assert.equal(await put(broker, tasks, { out }), { added: 0, queued: 3, done: 0, failed: 0 });
    // Of a worker of another machine that is gone for hours.
    const stale = join(out, '.abcdef-1-0000-1.part');
    writeFileSync(stale, '');
    utimesSync(stale, 1, 1);
    const first = worker({ untilEmpty: true, parallel: 1 });
    assert.is(await first.ended, undefined);
    const steps = first.lines.slice(0, -1).filter((line) => !line.startsWith('hear'));
    assert.equal(steps, [
      'begin b.wav',
      'done b.wav',
      'begin c.wav',
      `failed c.wav: ${join(folder, 'in/c.wav')}: it is no sound.`,
      'begin a.wav',
      'done a.wav',
    ]);
    assert.not.ok(existsSync(stale));
    assert.equal(await put(broker, tasks, { out }), { added: 0, queued: 0, done: 2, failed: 1 });
    // Taken away, so that it is made again; by force in any case.
    rmSync(join(out, 'a.txt'));
    assert.equal(await put(broker, tasks, { out }), { added: 1, queued: 0, done: 1, failed: 1 });
    assert.is(await worker({ untilEmpty: true }).ended, undefined);
    assert.is(readFileSync(join(out, 'a.txt'), 'utf8'), '');
    assert.equal(await put(broker, tasks, { out, force: true }), { added: 2, queued: 0, done: 0, failed: 1 });
    const forced = worker({ untilEmpty: true });
    assert.is(await forced.ended, undefined);
    assert.is(forced.lines.filter((line) => line.startsWith('done')).length, 2);
    // Somebody has made them meanwhile: there is nothing to do.
    const other = recordings(join(folder, 'in'), { 'd.wav': 'late' });
    await put(broker, other, { out });
    await sequential(other, out);
    const entry = { id: 'd.wav', key: other[0]?.key, status: 'done', ms: 1, at: new Date().toISOString() };
    writeFileSync(join(out, 'batch.jsonl'), `${JSON.stringify(entry)}\n`);
    const late = worker({ untilEmpty: true });
    assert.is(await late.ended, undefined);
    assert.equal(late.lines.slice(0, 1), ['old d.wav']);
  },

  'a worker that stands still longer than its lock publishes nothing': async (given) => {
    const { out, go, stopped } = await standingStill(given, 'begin');
    const other = given.worker();
    await other.said('begin a.wav');
    stopped.child.kill('SIGCONT');
    await stopped.said('note a.wav was taken over');
    assert.equal([...filesIn(out)], []);
    writeFileSync(go, '');
    await other.said('done a.wav');
    assert.is(await other.stop(), undefined);
    assert.is(await stopped.stop(), undefined);
    assert.not.ok(stopped.lines.includes('done a.wav'));
    assert.is(doneKeys(readJournals(out).entries).length, 1);
  },

  'a worker that goes on when another one has done its recording publishes nothing': async (given) => {
    const { out, go, stopped } = await standingStill(given, 'hear');
    // When it goes on it finds this before it has renewed its lock.
    writeFileSync(go, '');
    const other = given.worker();
    await other.said('done a.wav');
    stopped.child.kill('SIGCONT');
    await stopped.said('note a.wav was taken over');
    assert.is(await other.stop(), undefined);
    assert.is(await stopped.stop(), undefined);
    assert.is(doneKeys(readJournals(out).entries).length, 1);
  },

  'a worker that is told to end finishes what it can, and gives the rest back': async ({ folder, broker, worker }) => {
    const go = join(folder, 'go');
    const tasks = recordings(join(folder, 'in'), {
      'a.wav': `ms=300 ${'.'.repeat(99)}`,
      'b.wav': `until=${go}`,
      'c.wav': 'x',
    });
    await put(broker, tasks, { out: join(folder, 'out') });
    const first = worker({ shutdownMs: 1500 });
    await first.said('begin', 2);
    assert.is(await first.stop(), undefined);
    assert.ok(first.lines.includes('done a.wav'));
    assert.not.ok(first.lines.some((line) => line.startsWith('begin c.wav')));
    assert.equal(await broker.queue.getJobCounts('active', 'failed', 'delayed', 'prioritized'), {
      active: 0,
      failed: 0,
      delayed: 0,
      prioritized: 2,
    });
    writeFileSync(go, '');
    const second = worker({ untilEmpty: true });
    assert.is(await second.ended, undefined);
    assert.equal([...filesIn(join(folder, 'out')).keys()].length, 6);
  },
});
