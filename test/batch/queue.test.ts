/** Queues on Redis and on PostgreSQL: workers that are killed, stopped and restarted, and brokers that are. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError, OutputError, QueueError } from '../../src/base/errors.ts';
import { randomStream } from '../../src/base/random.ts';
import type { BatchTask } from '../../src/batch/executor.ts';
import { FolderOutputs } from '../../src/batch/folderOutputs.ts';
import { type BatchItem, itemKey } from '../../src/batch/item.ts';
import { type JournalEntry, readJournals } from '../../src/batch/journal.ts';
import { processItem } from '../../src/batch/processItem.ts';
import { type Broker, openBroker, shownUrl } from '../../src/batch/queue/broker.ts';
import { type Enqueued, enqueue } from '../../src/batch/queue/enqueue.ts';
import { markedPlace, Places } from '../../src/batch/queue/places.ts';
import { retryFailed } from '../../src/batch/queue/retry.ts';
import { queueStatus } from '../../src/batch/queue/status.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import { brokersOrSkip, type Broker as TestBroker } from '../support/brokers.ts';
import { inFolder } from '../support/folder.ts';
import { type QueueWorkerOptions, runQueueWorker } from '../support/queueWorker.ts';
import { scriptedTranscriber } from '../support/scriptedTranscriber.ts';
import { throws } from '../support/throws.ts';

const never = new AbortController().signal;
const settings = { transcribe: {}, layout: {} };
const formats = ['json', 'txt'] as const;
const lengths = { measured: () => {}, estimate: ({ bytes = 1 }: Pick<BatchItem, 'bytes'>) => bytes };
/** A worker that never tells what is waited for is at fault: a busy machine needs a small part of it. */
const PATIENCE_MS = 60_000;
const KILLS = 10;

/** Recordings in a folder, whose texts say what becomes of them. */
function recordings(folder: string, texts: Readonly<Record<string, string>>): BatchTask[] {
  mkdirSync(folder, { recursive: true });
  return Object.entries(texts).map(([id, text]) => {
    const audio = join(folder, id);
    writeFileSync(audio, text);
    const name = id.replace(/\.\w+$/, '');
    const item: BatchItem = { id, audio, name, version: '1', bytes: text.length };
    return { item, key: itemKey(item, { model: 'm', formats }, settings) };
  });
}

/** What one process makes of them, one after another. */
async function sequential(tasks: readonly BatchTask[], folder: string): Promise<void> {
  const outputs = new FolderOutputs(folder, formats);
  const transcriber = scriptedTranscriber();
  for (const { item, key } of tasks)
    await processItem({ item, key, settings }, { transcriber, openAudio, outputs }, { signal: never });
}

/** Path below the folder -> content, of outputs. */
function filesIn(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !entry.name.endsWith('.jsonl'))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.sort().map((file) => [relative(folder, file), readFileSync(file, 'utf8')]));
}

interface PutIn {
  readonly out: string;
  readonly identity?: string;
  readonly force?: boolean;
}

async function put(
  broker: Broker,
  tasks: readonly BatchTask[],
  { out, identity = 'm', force = false }: PutIn,
): Promise<Enqueued> {
  const place = await markedPlace(out);
  const places = new Places(() => {
    throw new Error('no S3 here');
  });
  const opened = await places.open(place, formats);
  const model = { name: 'scripted', identity };
  return enqueue(broker.queue, tasks, {
    ...{ model, formats, place, opened, force, options: {}, signal: never },
    estimate: ({ item }) => item.bytes ?? 0,
  });
}

/** A worker in this process, or in one of its own. */
interface TestWorker {
  /** That it has said. */
  readonly lines: readonly string[];
  /** Waits for so many lines that begin so. */
  said(start: string, count?: number): Promise<void>;
  /** undefined, or what it failed with. */
  readonly ended: Promise<string | undefined>;
  stop(): Promise<string | undefined>;
}

function sayer(lines: readonly string[]): TestWorker['said'] {
  return (start, count = 1) =>
    until(() => lines.filter((line) => line.startsWith(start)).length >= count, `${start} after ${lines.join(', ')}`);
}

function inThisProcess(options: QueueWorkerOptions): TestWorker {
  const end = new AbortController();
  const lines: string[] = [];
  const ended = runQueueWorker(options, (line) => lines.push(line), end.signal).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const stop = (): Promise<string | undefined> => {
    end.abort();
    return ended;
  };
  return { lines, said: sayer(lines), ended, stop };
}

interface WorkerProcess extends TestWorker {
  readonly child: ChildProcess;
  kill(): Promise<unknown>;
}

function inItsOwn(options: QueueWorkerOptions): WorkerProcess {
  const file = fileURLToPath(new URL('../support/queueWorker.js', import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<string | undefined>((resolve) =>
    child.on('close', (status, signal) => resolve(status === 0 ? undefined : `${status ?? signal} ${stderr}`)),
  );
  const end = (signal: NodeJS.Signals): Promise<string | undefined> => {
    child.kill(signal);
    return ended;
  };
  return { lines, said: sayer(lines), ended, child, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}

/** Offers what waits for its time at once. */
async function offerNow({ queue }: Broker): Promise<void> {
  const jobs: readonly object[] = await queue.getJobs(['delayed'], 0, -1);
  await Promise.all(jobs.map((job) => (job as { promote(): Promise<void> }).promote())); // they are BullMQ's
}

async function leftIn(broker: Broker): Promise<number> {
  const counts = await broker.queue
    .getJobCounts('waiting', 'prioritized', 'delayed', 'active')
    .catch(() => ({ away: 1 }));
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function doneKeys(entries: readonly JournalEntry[]): string[] {
  return entries.filter(({ status }) => status === 'done').map(({ key }) => key);
}

const servers: TestBroker[] = [];
for (const { start } of brokersOrSkip('queues')) servers.push(await start());

for (const server of servers) {
  const { kind } = server;
  const test = suite(`batch/queue on ${kind}`);
  test.after(() => server.end());
  let queues = 0;

  /** With a queue of its own, a connection to it, and an end of all workers that were started. */
  const inQueue =
    (
      work: (
        folder: string,
        broker: Broker,
        worker: (options?: Partial<QueueWorkerOptions>) => TestWorker,
        program: (options?: Partial<QueueWorkerOptions>) => WorkerProcess,
      ) => Promise<void>,
    ) =>
    () =>
      inFolder(async (folder) => {
        const name = `test-${queues++}`;
        const broker = await openBroker({ url: server.url, name, backoffMs: 100 });
        const programs: WorkerProcess[] = [];
        const all: TestWorker[] = [];
        const started = <W extends TestWorker>(one: W): W => {
          all.push(one);
          return one;
        };
        try {
          await work(
            folder,
            broker,
            (options) => started(inThisProcess({ url: server.url, name, ...options })),
            (options) => {
              const program = started(inItsOwn({ url: server.url, name, ...options }));
              programs.push(program);
              return program;
            },
          );
        } finally {
          for (const program of programs) await program.kill();
          for (const one of all) await one.stop();
          await broker.close();
        }
      });

  test(
    'three workers, ten kills and a restart of the broker: each output once, as one process makes it',
    inQueue(async (folder, broker, _, program) => {
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
    }),
  );

  test(
    'what is put in twice is done once, and not again while its outputs are there',
    inQueue(async (folder, broker, worker) => {
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
    }),
  );

  test(
    'a worker that stands still longer than its lock publishes nothing',
    inQueue(async (folder, broker, worker, program) => {
      const go = join(folder, 'go');
      const tasks = recordings(join(folder, 'in'), { 'a.wav': `until=${go}` });
      const out = join(folder, 'out');
      await put(broker, tasks, { out });
      const stopped = program();
      await stopped.said('begin a.wav');
      stopped.child.kill('SIGSTOP');
      const other = worker();
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
    }),
  );

  test(
    'a worker that goes on when another one has done its recording publishes nothing',
    inQueue(async (folder, broker, worker, program) => {
      const go = join(folder, 'go');
      const tasks = recordings(join(folder, 'in'), { 'a.wav': `until=${go}` });
      const out = join(folder, 'out');
      await put(broker, tasks, { out });
      const stopped = program();
      await stopped.said('hear');
      stopped.child.kill('SIGSTOP');
      // When it goes on it finds this before it has renewed its lock.
      writeFileSync(go, '');
      const other = worker();
      await other.said('done a.wav');
      stopped.child.kill('SIGCONT');
      await stopped.said('note a.wav was taken over');
      assert.is(await other.stop(), undefined);
      assert.is(await stopped.stop(), undefined);
      assert.is(doneKeys(readJournals(out).entries).length, 1);
    }),
  );

  test(
    'a worker that is told to end finishes what it can, and gives the rest back',
    inQueue(async (folder, broker, worker) => {
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
    }),
  );

  test(
    'errors of the machine are tried again, and what failed can be put in again',
    inQueue(async (folder, broker, worker) => {
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
    }),
  );

  test(
    'a recording that workers die of is given up, and can be put in again',
    inQueue(async (folder, broker, worker, program) => {
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
    }),
  );

  test(
    'jobs for other models are left to others',
    inQueue(async (folder, broker, worker) => {
      const out = join(folder, 'out');
      const tasks = recordings(join(folder, 'in'), { 'a.wav': 'one' });
      await put(broker, tasks, { out });
      await throws(QueueError, 'model', put(broker, tasks, { out, identity: 'other' }), '--queue_name');
      const other = worker({ untilEmpty: true, identity: 'other' });
      assert.is(await other.ended, undefined);
      assert.match(other.lines.join('\n'), 'for the model scripted, and this worker has scripted');
      assert.equal([...filesIn(out)], []);
    }),
  );

  test(
    'jobs whose outputs would go to a folder that is not theirs are left to others',
    inQueue(async (folder, broker, worker) => {
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
    }),
  );

  test(
    'how far a queue is',
    inQueue(async (folder, broker, worker) => {
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
    }),
  );

  test(
    'a job that is none of ours fails alone',
    inQueue(async (folder, broker, worker) => {
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
    }),
  );

  test.run();
}

const test = suite('batch/queue');

test('addresses of brokers, and passwords that nobody sees', async () => {
  assert.is(shownUrl('redis://user:secret@host:1/2?x=secret'), 'redis://user:***@host:1/2');
  assert.is(shownUrl('redis://a:b c@ho st'), 'redis://***@ho st');
  for (const url of ['http://localhost', 'localhost:6379', ''])
    await throws(OptionsError, 'badValue', openBroker({ url, name: 'q' }), 'no address of a broker');
  await throws(OptionsError, 'badValue', openBroker({ url: 'redis://localhost', name: 'a:b' }), '--queue_name');
  for (const scheme of ['redis', 'postgres']) {
    const away = openBroker({ url: `${scheme}://u:secret@127.0.0.1:9`, name: 'q' });
    const error = await throws(QueueError, 'unreachable', away, 'the connection was refused');
    assert.not.match(error.message, 'secret');
  }
});

test('a folder is marked once', async () => {
  await inFolder(async (folder) => {
    const out = join(folder, 'a/b');
    const [one, two] = await Promise.all([markedPlace(out), markedPlace(out)]);
    assert.equal(one, two);
    assert.equal(await markedPlace(out), one);
    writeFileSync(join(folder, 'file'), '');
    await throws(OutputError, 'folder', markedPlace(join(folder, 'file')));
    assert.equal(await markedPlace('s3://bucket/x'), { kind: 's3', address: 's3://bucket/x' });
    await throws(OptionsError, 'badValue', markedPlace('s3://'));
  });
});

test.run();
