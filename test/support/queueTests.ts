/** Queues with scripted workers: what tests of them put in, start, wait for and look at. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import type { BatchTask } from '../../src/batch/executor.ts';
import { FolderOutputs } from '../../src/batch/folderOutputs.ts';
import { type BatchItem, itemKey } from '../../src/batch/item.ts';
import type { JournalEntry } from '../../src/batch/journal.ts';
import { processItem } from '../../src/batch/processItem.ts';
import { type Broker, openBroker } from '../../src/batch/queue/broker.ts';
import { type Enqueued, enqueue } from '../../src/batch/queue/enqueue.ts';
import { markedPlace, Places } from '../../src/batch/queue/places.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import { brokersOrSkip, type Broker as TestBroker } from './brokers.ts';
import { inFolder } from './folder.ts';
import { type QueueWorkerOptions, runQueueWorker } from './queueWorker.ts';
import { scriptedTranscriber } from './scriptedTranscriber.ts';

const never = new AbortController().signal;
const settings = { transcribe: {}, layout: {} };
const formats = ['json', 'txt'] as const;
export const lengths = { measured: () => {}, estimate: ({ bytes = 1 }: Pick<BatchItem, 'bytes'>) => bytes };
/** A worker that never tells what is waited for is at fault: a busy machine needs a small part of it. */
const PATIENCE_MS = 60_000;

/** Recordings in a folder, whose texts say what becomes of them. */
export function recordings(folder: string, texts: Readonly<Record<string, string>>): BatchTask[] {
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
export async function sequential(tasks: readonly BatchTask[], folder: string): Promise<void> {
  const outputs = new FolderOutputs(folder, formats);
  const transcriber = scriptedTranscriber();
  for (const { item, key } of tasks)
    await processItem({ item, key, settings }, { transcriber, openAudio, outputs }, { signal: never });
}

/** Path below the folder -> content, of outputs. */
export function filesIn(folder: string): Map<string, string> {
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

export async function put(
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
export interface TestWorker {
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

export interface WorkerProcess extends TestWorker {
  readonly child: ChildProcess;
  kill(): Promise<unknown>;
}

function inItsOwn(options: QueueWorkerOptions): WorkerProcess {
  const file = fileURLToPath(new URL('./queueWorker.js', import.meta.url));
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

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}

/** Offers what waits for its time at once. */
export async function offerNow({ queue }: Broker): Promise<void> {
  const jobs: readonly object[] = await queue.getJobs(['delayed'], 0, -1);
  await Promise.all(jobs.map((job) => (job as { promote(): Promise<void> }).promote())); // they are BullMQ's
}

export async function leftIn(broker: Broker): Promise<number> {
  const counts = await broker.queue
    .getJobCounts('waiting', 'prioritized', 'delayed', 'active')
    .catch(() => ({ away: 1 }));
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

export function doneKeys(entries: readonly JournalEntry[]): string[] {
  return entries.filter(({ status }) => status === 'done').map(({ key }) => key);
}

/** What a test is given: a queue of its own, a connection to it, and workers, which are ended with it. */
export interface QueueTest {
  readonly server: TestBroker;
  readonly folder: string;
  readonly broker: Broker;
  /** A worker in this process. */
  worker(options?: Partial<QueueWorkerOptions>): TestWorker;
  /** A worker in a process of its own. */
  program(options?: Partial<QueueWorkerOptions>): WorkerProcess;
}

/** The same tests on each broker that can run here. */
export async function onEachBroker(
  name: string,
  tests: Readonly<Record<string, (given: QueueTest) => Promise<void>>>,
): Promise<void> {
  const servers = await Promise.all(brokersOrSkip(name).map(({ start }) => start()));
  for (const server of servers) {
    const test = suite(`${name} on ${server.kind}`);
    test.after(() => server.end());
    for (const [i, [what, work]] of Object.entries(tests).entries())
      test(what, () => inFolder((folder) => inQueue(server, `test-${i}`, folder, work)));
    test.run();
  }
}

async function inQueue(
  server: TestBroker,
  name: string,
  folder: string,
  work: (given: QueueTest) => Promise<void>,
): Promise<void> {
  const broker = await openBroker({ url: server.url, name, backoffMs: 100 });
  const workers: TestWorker[] = [];
  const programs: WorkerProcess[] = [];
  try {
    await work({
      ...{ server, folder, broker },
      worker(options) {
        const worker = inThisProcess({ url: server.url, name, ...options });
        workers.push(worker);
        return worker;
      },
      program(options) {
        const program = inItsOwn({ url: server.url, name, ...options });
        programs.push(program);
        return program;
      },
    });
  } finally {
    for (const program of programs) await program.kill();
    for (const worker of workers) await worker.stop();
    await broker.close();
  }
}
