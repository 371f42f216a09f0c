/** The journal: appended, read after crashes, and what it says of a recording. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError, OutputError } from '../../src/base/errors.ts';
import { BatchState } from '../../src/batch/batchState.ts';
import { Journal, type JournalEntry, readJournals } from '../../src/batch/journal.ts';
import { lockJournal } from '../../src/batch/runLock.ts';
import { inFolder } from '../support/folder.ts';
import { throws } from '../support/throws.ts';

const test = suite('batch/journal');

const entry = (id: string, second = 0, fields: Partial<JournalEntry> = {}): JournalEntry => {
  const at = new Date(1000 * second).toISOString();
  return { id, key: `key of ${id}`, status: 'done', seconds: 1, ms: 2, at, ...fields };
};

test('what is appended is read, of all journals in the order of time', () =>
  inFolder(async (folder) => {
    const out = join(folder, 'out');
    const [first, second] = [new Journal(out, 'batch-1-of-2.jsonl'), new Journal(out, 'batch-2-of-2.jsonl')];
    second.append(entry('b', 1));
    first.append(entry('a', 2, { id: 'a "quoted"\nline\u2028', error: 'x\ny' }));
    second.append(entry('c', 3));
    first.close();
    second.close();
    first.append(entry('d', 4));
    first.close();
    mkdirSync(join(out, 'sub'));
    writeFileSync(join(out, 'other.jsonl'), JSON.stringify(entry('z')));
    const { entries, damaged } = readJournals(out);
    assert.equal(
      entries.map(({ id }) => id),
      ['b', 'a "quoted"\nline\u2028', 'c', 'd'],
    );
    assert.is(damaged, 0);
    assert.is(readFileSync(first.path, 'utf8').split('\n').length, 3, 'a line an event');
    assert.equal(readJournals(join(folder, 'none')), { entries: [], damaged: 0 });
  }));

test('after a crash within a line at any byte, all other lines count, and the next one is whole', () =>
  inFolder(async (folder) => {
    const line = `${JSON.stringify(entry('torn'))}\n`;
    for (let bytes = 0; bytes <= line.length; bytes++) {
      const journal = new Journal(folder, 'batch.jsonl');
      journal.append(entry('a', 1));
      journal.close();
      appendFileSync(journal.path, line.slice(0, bytes));
      journal.append(entry('b', 2));
      journal.append(entry('c', 3));
      journal.close();
      const { entries, damaged } = readJournals(folder);
      const isWhole = bytes >= line.length - 1;
      assert.equal(
        entries.map(({ id }) => id),
        isWhole ? ['torn', 'a', 'b', 'c'] : ['a', 'b', 'c'],
        `${bytes}`,
      );
      assert.is(damaged, isWhole || bytes === 0 ? 0 : 1, `${bytes}`);
      rmSync(journal.path);
    }
  }));

test('lines that are no entries count for nothing', () =>
  inFolder(async (folder) => {
    const lines = ['{}', '[]', 'null', '1', '"x"', '{"id":1,"key":"k","status":"done","at":"x"}', '\0\0\0', 'no JSON'];
    const status = JSON.stringify({ ...entry('b'), status: 'begun' });
    writeFileSync(join(folder, 'batch.jsonl'), [...lines, status, JSON.stringify(entry('a')), ''].join('\n'));
    const { entries, damaged } = readJournals(folder);
    assert.equal([entries.map(({ id }) => id), damaged], [['a'], lines.length + 1]);
  }));

test('a place where nothing can be written or read is said', () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'file'), '');
    await throws(
      OutputError,
      'file',
      () => new Journal(join(folder, 'file'), 'batch.jsonl').append(entry('a')),
      /cannot be written/,
    );
    mkdirSync(join(folder, 'batch.jsonl'));
    await throws(OutputError, 'file', () => readJournals(folder), /what was done before, cannot be read/);
  }));

test('one run of a machine at a time', () =>
  inFolder(async (folder) => {
    const journal = join(folder, 'out/batch.jsonl');
    const lock = join(folder, 'out/.batch.jsonl.lock');
    const release = lockJournal(journal);
    assert.is(readFileSync(lock, 'utf8'), `${process.pid} ${hostname()}\n`);
    release();
    assert.not.ok(existsSync(lock));
    const held = (text: string): void => writeFileSync(lock, text);
    held(`${process.ppid} ${hostname()}\n`);
    await throws(OptionsError, 'stateFolder', () => lockJournal(journal), `process ${process.ppid}`);
    lockJournal(join(folder, 'out/batch-1-of-2.jsonl'))();
    // Of a process that is gone, of this one before a restart, of another machine, of nobody.
    for (const text of [
      `999999999 ${hostname()}\n`,
      `${process.pid} ${hostname()}\n`,
      `${process.ppid} elsewhere\n`,
      'x',
    ]) {
      held(text);
      lockJournal(journal)();
      assert.not.ok(existsSync(lock), text);
    }
    const late = lockJournal(journal);
    held(`${process.ppid} elsewhere\n`);
    late();
    assert.ok(existsSync(lock), 'what is not ours any more stays');
  }));

test('the state is that of the last events', () => {
  const state = new BatchState([
    entry('a', 1, { key: '1' }),
    entry('a', 2, { key: '2', status: 'failed', code: 'malformed', error: 'No.' }),
    entry('b', 3, { key: '1', status: 'failed' }),
    entry('b', 4, { key: '1' }),
    entry('c', 5, { key: '1' }),
    entry('c', 6, { key: '2' }),
  ]);
  const seen = (id: string, key: string): string =>
    `${state.isDone(id, key) ? 'done' : ''}${state.failure(id, key) ? 'failed' : ''}`;
  const rows = [
    ['a', '1', 'done'],
    ['a', '2', 'failed'],
    ['b', '1', 'done'],
    // What is there was made under the second key.
    ['c', '1', ''],
    ['c', '2', 'done'],
    ['d', '1', ''],
  ] as const;
  for (const [id, key, wanted] of rows) assert.is(seen(id, key), wanted, `${id} ${key}`);
});

test.run();
