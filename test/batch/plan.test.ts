/** What a rerun does: runs after one another over one folder, with a scripted model. */
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchState } from '../../src/batch/batchState.ts';
import { FolderOutputs } from '../../src/batch/folderOutputs.ts';
import { gather } from '../../src/batch/gather.ts';
import { inProcess } from '../../src/batch/inProcess.ts';
import { itemKey } from '../../src/batch/item.ts';
import { Journal, readJournals } from '../../src/batch/journal.ts';
import { Lengths, LongestFirst } from '../../src/batch/lengths.ts';
import { type PlanOptions, planBatch } from '../../src/batch/plan.ts';
import { runBatch } from '../../src/batch/run.ts';
import { isInShard, journalName, type Shard } from '../../src/batch/shard.ts';
import { folderSource } from '../../src/batch/sources/folderSource.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import type { Format } from '../../src/output/writer.ts';
import type { TranscribeOptions } from '../../src/transcribe/options.ts';
import { inFolder } from '../support/folder.ts';
import { scriptedTranscriber } from '../support/scriptedTranscriber.ts';

const test = suite('batch/plan');
const { signal } = new AbortController();

interface Run extends PlanOptions {
  readonly shard?: Shard;
  readonly model?: string;
  readonly transcribe?: TranscribeOptions;
  readonly formats?: readonly Format[];
  /** Ends as a crash would when so many recordings were heard. */
  readonly stopAfter?: number;
}

/** A run over `in`. @returns what was heard, in its order */
async function run(
  folder: string,
  { model = 'm', transcribe = {}, formats = ['txt'], stopAfter, shard, ...options }: Run = {},
): Promise<string[]> {
  const out = join(folder, 'out');
  const settings = { transcribe, layout: {} };
  const { items } = await gather([folderSource(join(folder, 'in'))], {
    formats,
    folder: out,
    ignoresCase: false,
    signal,
  });
  const state = new BatchState(readJournals(out).entries);
  const outputs = new FolderOutputs(out, formats);
  const own = items.filter(({ id }) => isInShard(id, shard));
  const plan = await planBatch(own, (item) => itemKey(item, { model, formats }, settings), state, outputs, options);
  const heard: string[] = [];
  const stop = new AbortController();
  const transcriber = scriptedTranscriber(async (_, path) => {
    if (heard.push(path.slice(folder.length + 4)) > (stopAfter ?? Number.POSITIVE_INFINITY))
      stop.abort(new Error('stopped'));
  });
  const journal = new Journal(out, journalName(shard));
  const executor = inProcess({ transcriber, openAudio, outputs }, () => settings, 1);
  await runBatch(new LongestFirst(plan.tasks, new Lengths()), executor, journal, stop.signal).catch(
    (error: unknown) => {
      if (error !== stop.signal.reason) throw error;
    },
  );
  journal.close();
  return heard;
}

function record(folder: string, texts: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'in/sub'), { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, 'in', name), text);
}

test('a rerun does what is missing, what has changed, and what has come', () =>
  inFolder(async (folder) => {
    record(folder, { 'a.wav': 'alpha!', 'b.wav': 'corrupt', 'sub/c.wav': 'gamma' });
    assert.equal(await run(folder), ['b.wav', 'a.wav', 'sub/c.wav']);
    assert.equal(await run(folder), []);
    record(folder, { 'd.wav': 'delta' });
    assert.equal(await run(folder), ['d.wav']);
    record(folder, { 'a.wav': 'changed' });
    assert.equal(await run(folder), ['a.wav']);
    assert.is(readFileSync(join(folder, 'out/a.txt'), 'utf8'), '');
    utimesSync(join(folder, 'in/d.wav'), 1, 1);
    assert.equal(await run(folder), ['d.wav']);
    rmSync(join(folder, 'out/sub/c.txt'));
    assert.equal(await run(folder), ['sub/c.wav']);
    assert.equal(await run(folder), []);
  }));

test('failed ones are tried again when that is asked for, or when something has changed', () =>
  inFolder(async (folder) => {
    record(folder, { 'a.wav': 'alpha', 'b.wav': 'corrupt' });
    await run(folder);
    assert.equal(await run(folder), []);
    assert.equal(await run(folder, { retryFailed: true }), ['b.wav']);
    assert.equal(await run(folder, { retryFailed: true }), ['b.wav']);
    record(folder, { 'b.wav': 'mended' });
    assert.equal(await run(folder), ['b.wav']);
    assert.equal(await run(folder, { retryFailed: true }), []);
    assert.equal(await run(folder, { force: true }), ['b.wav', 'a.wav']);
  }));

test('another model, other options or formats do all again, and going back does too', () =>
  inFolder(async (folder) => {
    record(folder, { 'a.wav': 'alpha' });
    const rows: readonly (readonly [Run, number])[] = [
      [{}, 1],
      [{ transcribe: { beamSize: 5 } }, 1],
      [{ transcribe: { beamSize: 5 } }, 0],
      // What is there was made with five beams.
      [{}, 1],
      [{ model: 'n' }, 1],
      [{ model: 'n', formats: ['txt', 'srt'] }, 1],
      [{ model: 'n', formats: ['srt', 'txt'] }, 0],
    ];
    for (const [options, wanted] of rows)
      assert.is((await run(folder, options)).length, wanted, JSON.stringify(options));
  }));

test('a run that is stopped at any recording goes on', () =>
  inFolder(async (folder) => {
    const names = Array.from({ length: 5 }, (_, i) => `r${i}.wav`);
    for (let n = 0; n < names.length; n++) {
      rmSync(join(folder, 'out'), { recursive: true, force: true });
      record(folder, Object.fromEntries(names.map((name) => [name, 'same'])));
      const first = await run(folder, { stopAfter: n });
      const second = await run(folder);
      assert.is(first.length, n + 1);
      assert.equal([...first.slice(0, n), ...second].sort(), names, `stopped at ${n}`);
      assert.equal(readdirSync(join(folder, 'out')).sort(), [
        'batch.jsonl',
        ...names.map((name) => name.replace('.wav', '.txt')),
      ]);
    }
  }));

test('shards share the work, each knows what others have done, and none of another number starts anew', () =>
  inFolder(async (folder) => {
    const names = Array.from({ length: 20 }, (_, i) => `r${i}.wav`).sort();
    record(folder, Object.fromEntries(names.map((name) => [name, 'x'])));
    const shards = [1, 2, 3].map((index): Shard => ({ index, count: 3, from: '' }));
    const heard = [];
    for (const shard of shards) heard.push(await run(folder, { shard }));
    assert.ok(heard.every(({ length }) => length > 0));
    assert.equal(heard.flat().sort(), names);
    assert.equal(
      readdirSync(join(folder, 'out')).filter((name) => name.startsWith('batch')),
      ['batch-1-of-3.jsonl', 'batch-2-of-3.jsonl', 'batch-3-of-3.jsonl'],
    );
    assert.equal(await run(folder), []);
    assert.equal(await run(folder, { shard: { index: 1, count: 2, from: '' } }), []);
  }));

test('the longest first, as far as can be told, and corrected by what is measured', () => {
  const lengths = new Lengths();
  const task = (id: string, bytes: number | undefined, seconds?: number) => ({
    item: { id, audio: `/x/${id}`, name: id, version: '', bytes, seconds },
    key: id,
  });
  const tasks = [
    task('a.wav', 640_000),
    task('b.mp3', 320_000),
    task('c.mp3', 16_000),
    task('d.bin', undefined),
    task('e.wav', 1, 15),
    task('f.wav', 6400),
  ];
  const order = new LongestFirst(tasks, lengths);
  assert.is(order.seconds, 10 + 20 + 1 + 60 + 15 + 0.1);
  const taken: string[] = [];
  for (const { item } of order) {
    taken.push(item.id);
    // A WAV file of 8 kHz in 8 bits: the other one is as long for its bytes.
    if (item.id === 'b.mp3') lengths.measured({ audio: '/x/g.WAV?x', bytes: 80_000 }, 10);
  }
  assert.equal(taken, ['d.bin', 'b.mp3', 'a.wav', 'e.wav', 'c.mp3', 'f.wav']);
  assert.is(order.seconds, 0);
  assert.is(lengths.estimate({ audio: '/y.wav', bytes: 8000 }), 1);
  assert.is(lengths.estimate({ audio: '/y' }), 10);
});

test.run();
