/** Output files: that none is ever half there, and that no transcript is lost. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OutputError } from '../../src/base/errors.ts';
import { writeAtomically, writeOutputs } from '../../src/files/output.ts';
import { planOutputs } from '../../src/files/outputPlan.ts';
import { type Format, OPENAI_FORMATS } from '../../src/output/writer.ts';
import { segmentOf } from '../support/segments.ts';

const test = suite('files/output');
const folder = mkdtempSync(join(tmpdir(), 'sotto-output-'));
test.after(() => rmSync(folder, { recursive: true }));

const transcript = { text: ' Hello é', language: 'en', segments: [segmentOf(' Hello é')] };
const targets = (recording: string, into: string, formats: readonly Format[]) =>
  planOutputs([recording], into, formats)[0]!.targets;
const leftovers = (into: string) => readdirSync(into).filter((name) => name.endsWith('.part'));

test('five files named after the recording, in a folder that is made', () => {
  const out = join(folder, 'a/b');
  writeOutputs(transcript, targets('/somewhere/talk.one.mp3', out, OPENAI_FORMATS));
  assert.equal(
    readdirSync(out).sort(),
    ['json', 'srt', 'tsv', 'txt', 'vtt'].map((kind) => `talk.one.${kind}`),
  );
  assert.is(readFileSync(join(out, 'talk.one.txt'), 'utf8'), 'Hello é\n');
  assert.match(readFileSync(join(out, 'talk.one.json'), 'utf8'), '"text": " Hello \\u00e9"');
});

test('a name as long as the file system takes', () => {
  const out = join(folder, 'long');
  const stem = 'x'.repeat(251);
  writeOutputs(transcript, targets(`${stem}.mp3`, out, ['txt', 'srt']));
  assert.equal(readdirSync(out).sort(), [`${stem}.srt`, `${stem}.txt`]);
});

test('a file that cannot be put in its place leaves nothing beside it', () => {
  mkdirSync(join(folder, 'taken.txt/full'), { recursive: true });
  assert.throws(() => writeAtomically(join(folder, 'taken.txt'), 'text'));
  assert.equal(leftovers(folder), []);
});

test('what was there before is replaced, and keeps its mode', () => {
  const path = join(folder, 'old.txt');
  writeFileSync(path, 'a longer old text');
  chmodSync(path, 0o640);
  writeAtomically(path, 'new');
  assert.is(readFileSync(path, 'utf8'), 'new');
  assert.is(statSync(path).mode & 0o777, 0o640);
});

test('a link is followed and kept, whether or not what it leads to is there', () => {
  mkdirSync(join(folder, 'elsewhere'));
  for (const name of ['there', 'new']) {
    if (name === 'there') writeFileSync(join(folder, 'elsewhere', name), 'old');
    const link = join(folder, `${name}.link`);
    symlinkSync(`elsewhere/${name}`, link);
    writeAtomically(link, 'text');
    assert.is(readlinkSync(link), `elsewhere/${name}`);
    assert.is(readFileSync(join(folder, 'elsewhere', name), 'utf8'), 'text');
  }
  assert.equal(leftovers(join(folder, 'elsewhere')), []);
});

test('a pipe is written to, not replaced', async () => {
  const pipe = join(folder, 'pipe');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return; // not on this system
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    writeAtomically(pipe, 'text');
    assert.ok(statSync(pipe).isFIFO());
    let read = '';
    for await (const piece of reader.stdout) read += piece;
    assert.is(read, 'text');
  } finally {
    reader.kill();
  }
});

test('a folder that is gone in the meantime is made again', () => {
  const out = join(folder, 'gone');
  const planned = targets('x.wav', out, ['txt']);
  mkdirSync(out);
  rmSync(out, { recursive: true });
  writeOutputs(transcript, planned);
  assert.equal(readdirSync(out), ['x.txt']);
});

test('of several files those that can be are written, and the rest is kept elsewhere', () => {
  const out = join(folder, 'some');
  mkdirSync(join(out, 'x.srt'), { recursive: true });
  try {
    writeOutputs(transcript, targets('x.wav', out, ['txt', 'srt', 'vtt']));
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof OutputError);
    assert.is(error.code, 'file');
    const [at, txt, vtt] = ['x.srt', 'x.txt', 'x.vtt'].map((name) => join(out, name));
    assert.is(error.message, `${at} cannot be written: it is a folder. Written: ${txt}, ${vtt}.`);
    const kept = /^What was to be written is in (.*)\.$/.exec(error.hint ?? '')?.[1];
    assert.ok(kept && existsSync(kept), error.hint);
    assert.match(readFileSync(join(kept, 'x.srt'), 'utf8'), '-->');
    rmSync(kept, { recursive: true });
  }
  assert.equal(readdirSync(out).sort(), ['x.srt', 'x.txt', 'x.vtt']);
});

test.run();
