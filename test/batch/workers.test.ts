/** Workers: what is done when one dies, with processes whose model is scripted. */
import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, WeightsError } from '../../src/base/errors.ts';
import type { BatchTask } from '../../src/batch/executor.ts';
import type { JournalEntry } from '../../src/batch/journal.ts';
import { runBatch } from '../../src/batch/run.ts';
import { WorkerPool } from '../../src/batch/workers/workerPool.ts';
import { isAlive } from '../../src/files/isAlive.ts';
import { inFolder } from '../support/folder.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('batch/workers');
const childFile = fileURLToPath(new URL('../support/batchWorkerChild.js', import.meta.url));

interface Scene {
  readonly folder: string;
  readonly pool: WorkerPool;
  readonly entries: JournalEntry[];
  /** Why workers died. */
  readonly deaths: string[];
  /** What workers began: process, recording. */
  begun(): readonly (readonly [pid: number, id: string])[];
  run(texts: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void>;
}

/** Two workers, three recordings at once in each. */
async function inScene(work: (scene: Scene) => Promise<void>, how = ''): Promise<void> {
  await inFolder(async (folder) => {
    const log = join(folder, 'log');
    const pids: number[] = [];
    const deaths: string[] = [];
    const entries: JournalEntry[] = [];
    const pool = new WorkerPool({
      workers: 2,
      atOnce: 3,
      onDeath: (why) => deaths.push(why),
      start: () => {
        const child = fork(childFile, [join(folder, 'out'), log, how], {
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        });
        pids.push(child.pid!);
        return child;
      },
    });
    try {
      await work({
        ...{ folder, pool, entries, deaths },
        begun: () =>
          (existsSync(log) ? readFileSync(log, 'utf8') : '')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => [Number.parseInt(line, 10), line.replace(/^.*\//, '')] as const),
        run(texts, signal = new AbortController().signal) {
          const tasks = Object.entries(texts).map(([id, text]): BatchTask => {
            writeFileSync(join(folder, id), text);
            return { item: { id, audio: join(folder, id), name: id, version: '' }, key: id };
          });
          return runBatch(tasks, pool, { append: (entry) => entries.push(entry) }, signal);
        },
      });
    } finally {
      await pool.close();
    }
    assert.equal(pids.filter(isAlive), [], 'workers that are left');
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const ends = (entries: readonly JournalEntry[]): string[] =>
  entries.map(({ id, status, code }) => `${id} ${code ?? status}`).sort();
const many = (count: number, text: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`r${i}`, text]));

test('all is done once, by both', () =>
  inScene(async ({ run, entries, begun, folder, deaths }) => {
    const running = run({ ...many(12, 'wait'), bad: 'corrupt' });
    await until(() => begun().length >= 6);
    assert.is(new Set(begun().map(([pid]) => pid)).size, 2);
    writeFileSync(join(folder, 'go'), '');
    await running;
    assert.is(begun().length, 13);
    assert.equal(ends(entries), ['bad malformed', ...Array.from({ length: 12 }, (_, i) => `r${i} done`).sort()]);
    assert.is(readdirSync(join(folder, 'out')).length, 12);
    assert.equal(deaths, []);
  }));

test('a recording that ends its process fails after three attempts, and takes no other with it', () =>
  inScene(async ({ run, entries, begun, deaths }) => {
    await run({ ...many(5, 'x'), poison: 'kill', ...many(12, 'y'), venom: 'kill' });
    const good = ends(entries).filter((line) => line.endsWith(' done'));
    assert.is(good.length, 12);
    assert.equal(
      ends(entries).filter((line) => !line.endsWith(' done')),
      ['poison crashed', 'venom crashed'],
    );
    const { error = '' } = entries.find(({ id }) => id === 'poison')!;
    assert.match(error, /ended 3 times, the last time alone with it: signal SIGKILL/);
    const times = (id: string): number => begun().filter((one) => one[1] === id).length;
    // Twice alone, and once among others, unless the process died of the other one before it had read this one's message.
    for (const id of ['poison', 'venom']) assert.ok(times(id) === 2 || times(id) === 3, `${id}: ${times(id)}`);
    assert.ok(times('poison') + times('venom') >= 5, 'neither of them ended the first process');
    // At most once beside each of the two, and once alone.
    for (let i = 0; i < 12; i++) assert.ok(times(`r${i}`) <= 3, `r${i}: ${times(`r${i}`)}`);
    assert.ok(deaths.length >= 4 && deaths.length <= 6, deaths.join());
  }));

test('when they are tried again no other is beside them', () =>
  inScene(async ({ run, entries, begun }) => {
    // The first worker is given both, and one that is slow; the second the other three.
    await run({ poison: 'kill', other1: 'slow', venom: 'kill', other2: 'slow', beside: 'slow', other3: 'slow' });
    const crashed = ends(entries).filter((line) => !line.endsWith(' done'));
    assert.equal(crashed, ['poison crashed', 'venom crashed']);
    const times = (id: string): number => begun().filter((one) => one[1] === id).length;
    assert.ok(times('beside') <= 2, `${times('beside')}`);
    assert.equal(['other1', 'other2', 'other3'].map(times), [1, 1, 1]);
  }));

test('kill -9 of a worker: what it was at is done by another', () =>
  inScene(async ({ run, entries, begun, folder, deaths }) => {
    const running = run(many(8, 'wait'));
    await until(() => begun().length >= 6);
    process.kill(begun()[0]![0], 'SIGKILL');
    await until(() => deaths.length === 1);
    writeFileSync(join(folder, 'go'), '');
    await running;
    assert.equal(
      ends(entries),
      Array.from({ length: 8 }, (_, i) => `r${i} done`),
    );
    assert.equal(deaths, ['signal SIGKILL']);
    assert.is(readdirSync(join(folder, 'out')).length, 8);
  }));

test('an abort ends the workers, and nothing of what they were at is there', () =>
  inScene(async ({ run, entries, begun, folder }) => {
    const controller = new AbortController();
    const running = reasonOf(run(many(8, 'wait'), controller.signal));
    await until(() => begun().length >= 6);
    controller.abort(new Error('enough'));
    assert.match(String(await running), 'enough');
    assert.equal([entries, existsSync(join(folder, 'out'))], [[], false]);
  }));

test('a model that cannot be loaded stops the run with its sentence', () =>
  inScene(async ({ run, entries }) => {
    await throws(WeightsError, 'badConfig', run(many(3, 'x')), /The model is broken\. Mend it\./);
    assert.equal(entries, []);
  }, 'broken'));

test('workers that end before they are ready are not started for ever', () =>
  inScene(async ({ run, deaths }) => {
    await throws(DeviceError, 'workerFailed', run(many(3, 'x')), /exit status 3.*fewer --workers/);
    assert.is(deaths.length, 3);
  }, 'vain'));

test.run();
