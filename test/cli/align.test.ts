/** `sotto align` as people meet it: files, what it says, exit status. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sotto } from '../support/command.ts';
import { repoRoot } from '../support/paths.ts';

const test = suite('cli/align');
const folder = mkdtempSync(join(tmpdir(), 'sotto-align-'));
test.after(() => rmSync(folder, { recursive: true }));

const jfk = join(repoRoot, 'assets/jfk.wav');
const quick = ['--model', 'tiny', '--device', 'cpu', '--language', 'en', '--beam_size', '1'];

function textFile(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('a text with a wrong word: its lines with their times, and the word', async () => {
  const text = textFile(
    'a.txt',
    'And so my fellow citizens\n\nask not what your country can do for you,\nask what you can do for your country.\n',
  );
  const out = join(folder, 'out');
  const { status, stdout, stderr } = await sotto(['align', jfk, text, ...quick, '-o', out]);
  assert.is(status, 0, stderr);
  assert.equal(readdirSync(out).sort(), ['jfk.json', 'jfk.srt']);
  const { segments, unmatched } = JSON.parse(readFileSync(join(out, 'jfk.json'), 'utf8'));
  assert.is(segments.length, 3);
  assert.equal(
    unmatched.map(({ kind, text: words, line, heard }: Record<string, unknown>) => [kind, words, line, heard]),
    [['not_said', 'citizens', 1, 'Americans']],
  );
  assert.match(readFileSync(join(out, 'jfk.srt'), 'utf8'), 'ask not what your country can do for you,\n\n3\n');
  assert.is(stdout.split('\n').length, 4);
  assert.match(stderr, 'line 1, not said: citizens (heard: Americans)');
  assert.match(stderr, '21 of 22 words found.');
});

test('the text of something else: 1, and no file', async () => {
  const text = textFile('b.txt', 'Today only platforms one and three are used.');
  const out = join(folder, 'none');
  const { status, stdout, stderr } = await sotto(['align', jfk, text, ...quick, '-o', out, '--verbose', 'None']);
  assert.is(status, 1, stderr);
  assert.equal([stdout, readdirSync(folder).includes('none')], ['', false]);
  assert.match(stderr, 'Nothing of the text is said in the recording.');
});

test('wrong arguments end with 2, and nothing is loaded', async () => {
  const rows: [string[], string][] = [
    [[jfk], 'align takes a recording and a text, and was given one file.'],
    [[jfk, textFile('empty.txt', ' \n')], 'The text to align is empty.'],
    [[jfk, join(folder, 'missing.txt')], 'cannot be read'],
    [[jfk, jfk], 'is not a text in UTF-8'],
    [[jfk, textFile('jfk.txt', 'a'), '-f', 'txt', '-o', folder], 'is the text, and would be replaced'],
    [[jfk, textFile('c.txt', 'a'), '--task', 'translate'], 'There is no option --task.'],
  ];
  for (const [args, words] of rows) {
    const { status, stdout, stderr } = await sotto(['align', ...args], { env: { SOTTO_CACHE: join(folder, 'cache') } });
    assert.is(status, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, words);
    assert.not.match(stderr, /\n {4}at /, 'no stack');
  }
  const { status, stdout } = await sotto(['align', '--help']);
  assert.is(status, 0);
  assert.match(stdout, 'Usage:  sotto align RECORDING TEXT');
  assert.not.match(stdout, '--channels');
});

test.run();
