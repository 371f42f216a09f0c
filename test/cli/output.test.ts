/** Output files: names, and that none is ever half there. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeAtomically, writeOutputs } from '../../src/cli/output.ts';
import { segmentOf } from '../support/segments.ts';

const test = suite('cli/output');
const folder = mkdtempSync(join(tmpdir(), 'sotto-output-'));
test.after(() => rmSync(folder, { recursive: true }));

const transcript = { text: ' Hello é', language: 'en', segments: [segmentOf(' Hello é')] };

test('all writes five files named after the recording, in a folder that is made', () => {
  const out = join(folder, 'a/b');
  const paths = writeOutputs(transcript, '/somewhere/talk.one.mp3', out, 'all');
  assert.equal(
    readdirSync(out).sort(),
    ['json', 'srt', 'tsv', 'txt', 'vtt'].map((kind) => `talk.one.${kind}`),
  );
  assert.is(paths.length, 5);
  assert.is(readFileSync(join(out, 'talk.one.txt'), 'utf8'), 'Hello é\n');
  assert.match(readFileSync(join(out, 'talk.one.json'), 'utf8'), '"text": " Hello \\u00e9"');
});

test('one format writes one file', () => {
  assert.equal(writeOutputs(transcript, 'x', folder, 'txt'), [join(folder, 'x.txt')]);
});

test('verbose_json does not take the place of json', () => {
  assert.equal(writeOutputs(transcript, 'x.wav', folder, 'verbose_json'), [join(folder, 'x.verbose.json')]);
});

test('a file that cannot be put in its place leaves nothing beside it', () => {
  mkdirSync(join(folder, 'taken.txt/full'), { recursive: true });
  assert.throws(() => writeAtomically(join(folder, 'taken.txt'), 'text'));
  assert.equal(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('what was there before is replaced', () => {
  const path = join(folder, 'old.txt');
  writeFileSync(path, 'a longer old text');
  writeAtomically(path, 'new');
  assert.is(readFileSync(path, 'utf8'), 'new');
  assert.ok(existsSync(path));
});

test.run();
