/** One recording through a batch, and the loop over many, with a scripted model. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, OutputError } from '../../src/base/errors.ts';
import type { BatchTask, Executor } from '../../src/batch/executor.ts';
import { FolderOutputs } from '../../src/batch/folderOutputs.ts';
import { type BatchItem, itemKey } from '../../src/batch/item.ts';
import type { JournalEntry } from '../../src/batch/journal.ts';
import type { OutputStore } from '../../src/batch/outputs.ts';
import { processItem } from '../../src/batch/processItem.ts';
import { runBatch } from '../../src/batch/run.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import { inFolder } from '../support/folder.ts';
import { type ScriptedTranscriber, scriptedTranscriber } from '../support/scriptedTranscriber.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('batch/run');
const settings = { transcribe: {}, layout: {} };
const run = { model: 'm', formats: ['txt', 'json'] as const };

function itemsIn(folder: string, texts: Readonly<Record<string, string>>): BatchTask[] {
  return Object.entries(texts).map(([id, text]) => {
    const audio = join(folder, id);
    writeFileSync(audio, text);
    const item: BatchItem = { id, audio, name: `out/${id.replace(/\.\w+$/, '')}`, version: '1' };
    return { item, key: itemKey(item, run, settings) };
  });
}

function inProcess(transcriber: ScriptedTranscriber, outputs: OutputStore, capacity = 2): Executor {
  const work = { transcriber, openAudio, outputs };
  return { capacity, run: ({ item, key }, call) => processItem({ item, key, settings }, work, call) };
}

test('one that is corrupt fails alone, with its sentence, and the others are all there', () =>
  inFolder(async (folder) => {
    const tasks = itemsIn(folder, { 'a.wav': 'alpha', 'b.wav': 'corrupt', 'c.wav': 'gamma' });
    const entries: JournalEntry[] = [];
    const outputs = new FolderOutputs(folder, run.formats);
    await runBatch(
      tasks,
      inProcess(scriptedTranscriber(), outputs),
      { append: (entry) => entries.push(entry) },
      new AbortController().signal,
    );
    assert.equal(
      entries
        .map(({ id, status, code, error, hint, seconds }) => ({ id, status, code, error, hint, seconds }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
      [
        { id: 'a.wav', status: 'done', code: undefined, error: undefined, hint: undefined, seconds: 5 },
        {
          id: 'b.wav',
          status: 'failed',
          code: 'malformed',
          error: `${join(folder, 'b.wav')}: it is no sound.`,
          hint: 'Record it again.',
          seconds: undefined,
        },
        { id: 'c.wav', status: 'done', code: undefined, error: undefined, hint: undefined, seconds: 5 },
      ],
    );
    assert.equal(readdirSync(join(folder, 'out')).sort(), ['a.json', 'a.txt', 'c.json', 'c.txt']);
    assert.is(JSON.parse(readFileSync(join(folder, 'out/a.json'), 'utf8')).text, 'alpha');
    assert.ok(await outputs.has(tasks[0]!.item));
    assert.not.ok(await outputs.has(tasks[1]!.item));
  }));

test('nothing is published that may not be, and nothing is left of it', () =>
  inFolder(async (folder) => {
    const [task] = itemsIn(folder, { 'a.wav': 'alpha' });
    const outputs = new FolderOutputs(folder, run.formats);
    const work = { transcriber: scriptedTranscriber(), openAudio, outputs };
    let listed: string[] = [];
    const mayPublish = async (): Promise<boolean> => {
      listed = readdirSync(join(folder, 'out'));
      return false;
    };
    const { signal } = new AbortController();
    await throws(OutputError, 'takenOver', processItem({ ...task!, settings }, work, { signal, mayPublish }));
    assert.is(listed.filter((name) => name.endsWith('.part')).length, 2, listed.join());
    assert.equal(readdirSync(join(folder, 'out')), []);
  }));

test('what cannot be written is known before the work, and fails alone', () =>
  inFolder(async (folder) => {
    const tasks = itemsIn(folder, { 'a.wav': 'alpha', 'b.wav': 'beta' });
    mkdirSync(join(folder, 'out/a.json'), { recursive: true });
    const file: BatchTask = { ...tasks[1]!, item: { ...tasks[1]!.item, id: 'c.wav', name: 'b.wav/c' } };
    const long: BatchTask = { ...tasks[1]!, item: { ...tasks[1]!.item, id: 'd.wav', name: 'x'.repeat(300) } };
    const transcriber = scriptedTranscriber();
    const entries: JournalEntry[] = [];
    const append = (entry: JournalEntry): number => entries.push(entry);
    const executor = inProcess(transcriber, new FolderOutputs(folder, run.formats), 1);
    await runBatch([...tasks, file, long], executor, { append }, new AbortController().signal);
    assert.equal(
      entries.map(({ id, code }) => [id, code]),
      [
        ['a.wav', 'file'],
        ['b.wav', undefined],
        ['c.wav', 'file'],
        ['d.wav', 'file'],
      ],
    );
    assert.match(entries[0]!.error ?? '', /a\.json cannot be written: it is a folder/);
    assert.equal(transcriber.heard, [join(folder, 'b.wav')]);
  }));

test('a disk that is full stops the run', () =>
  inFolder(async (folder) => {
    const tasks = itemsIn(folder, { 'a.wav': 'alpha', 'b.wav': 'beta' });
    const outputs = new FolderOutputs(folder, run.formats);
    const full = Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    const error = new OutputError('file', 'It cannot be written.', { cause: full });
    const { place, formats } = outputs;
    const store: OutputStore = { place, formats, has: async () => false, publish: () => Promise.reject(error) };
    const transcriber = scriptedTranscriber();
    const executor = inProcess(transcriber, store, 1);
    assert.is(await reasonOf(runBatch(tasks, executor, { append() {} }, new AbortController().signal)), error);
    assert.is(transcriber.heard.length, 1);
  }));

test('what processes that are gone have left is removed, and nothing of others', () =>
  inFolder(async (folder) => {
    const [task] = itemsIn(folder, { 'a.wav': 'alpha' });
    const outputs = new FolderOutputs(folder, run.formats);
    const work = { transcriber: scriptedTranscriber(), openAudio, outputs };
    let names: string[] = [];
    const mayPublish = (): boolean => {
      names = readdirSync(join(folder, 'out'));
      return true;
    };
    await processItem({ ...task!, settings }, work, { signal: new AbortController().signal, mayPublish });
    const [, host] = /^\.([\da-f]{6})-\d+-[\da-f]{4}-\d+\.part$/.exec(names[0] ?? '') ?? [];
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const write = (name: string, ageMs = 0): string => {
      writeFileSync(join(folder, 'out', name), '');
      const time = Date.now() / 1000 - ageMs / 1000;
      utimesSync(join(folder, 'out', name), time, time);
      return name;
    };
    const gone = [write(`.${host}-${dead}-abcd-1.part`), write('.000000-1-abcd-0.part', 7_200_000)];
    const kept = [
      write(`.${host}-${process.ppid}-abcd-1.part`),
      write('.000000-1-abcd-1.part', 60_000),
      write('.12345678.part'),
    ];
    outputs.removeStale([task!.item]);
    const left = readdirSync(join(folder, 'out'));
    assert.equal(left.sort(), ['a.json', 'a.txt', ...kept].sort(), gone.join());
  }));

test('an error of the machine stops the run, and what runs beside it', () =>
  inFolder(async (folder) => {
    const tasks = itemsIn(folder, { 'a.wav': 'lost', 'b.wav': 'long', 'c.wav': 'later' });
    const transcriber = scriptedTranscriber(async (text) => {
      if (text === 'lost') throw new DeviceError('lost', 'The GPU is gone.');
      await new Promise(() => {});
    });
    const entries: JournalEntry[] = [];
    const outputs = new FolderOutputs(folder, run.formats);
    await throws(
      DeviceError,
      'lost',
      runBatch(
        tasks,
        inProcess(transcriber, outputs),
        { append: (entry) => entries.push(entry) },
        new AbortController().signal,
      ),
    );
    assert.equal([entries, transcriber.heard.length, existsSync(join(folder, 'out'))], [[], 2, false]);
  }));

test('an abort stops it with its reason', () =>
  inFolder(async (folder) => {
    const tasks = itemsIn(folder, { 'a.wav': 'long', 'b.wav': 'long', 'c.wav': 'later' });
    const controller = new AbortController();
    const transcriber = scriptedTranscriber(async () => {
      controller.abort(new Error('enough'));
      await new Promise(() => {});
    });
    const entries: JournalEntry[] = [];
    assert.match(
      String(
        await reasonOf(
          runBatch(
            tasks,
            inProcess(transcriber, new FolderOutputs(folder, run.formats)),
            { append: (entry) => entries.push(entry) },
            controller.signal,
          ),
        ),
      ),
      'enough',
    );
    assert.equal(entries, []);
  }));

test('the key changes with all that the outputs depend on, and with nothing else', () => {
  const item: BatchItem = { id: 'a/b.wav', audio: '/x/a/b.wav', name: 'a/b', version: '3-4' };
  const key = itemKey(item, run, settings);
  assert.match(key, /^[\da-f]{64}$/);
  const same: readonly (readonly [BatchItem, typeof settings])[] = [
    [{ ...item, audio: '/elsewhere/a/b.wav' }, settings],
    [{ ...item, audio: 'https://x/a/b.wav?signature=2' }, settings],
    [{ ...item, bytes: 7, seconds: 3 }, settings],
    [item, { transcribe: { beamSize: undefined, task: 'transcribe' }, layout: {} }],
  ];
  for (const [one, its] of same) assert.is(itemKey(one, run, its), key);
  const other = [
    itemKey({ ...item, id: 'c' }, run, settings),
    itemKey({ ...item, name: 'c' }, run, settings),
    itemKey({ ...item, version: '3-5' }, run, settings),
    itemKey({ ...item, version: '', audio: 'https://x/a/b.wav' }, run, settings),
    itemKey({ ...item, version: '', audio: 'https://y/a/b.wav' }, run, settings),
    itemKey(item, { ...run, model: 'n' }, settings),
    itemKey(item, { ...run, formats: ['txt'] }, settings),
    itemKey(item, run, { transcribe: { beamSize: 5 }, layout: {} }),
    itemKey(item, run, { transcribe: { temperature: [0, 0.4] }, layout: {} }),
    itemKey(item, run, { transcribe: {}, layout: { maxLineWidth: 40 } }),
  ];
  assert.is(new Set([key, ...other]).size, other.length + 1);
  assert.is(itemKey(item, { ...run, formats: ['json', 'txt'] }, settings), key, 'the order of formats');
});

test.run();
