/** `sotto inspect` on JFK: the files, and that they say what a transcription does. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sotto } from '../support/command.ts';
import { repoRoot } from '../support/paths.ts';

const test = suite('cli/inspect');
const folder = mkdtempSync(join(tmpdir(), 'sotto-inspect-'));
test.after(() => rmSync(folder, { recursive: true }));
const jfk = join(repoRoot, 'assets/jfk.wav');
const quick = ['--model', 'tiny', '--device', 'cpu', '--language', 'en', '-o', folder];

test("the path gives the words of --word_timestamps their times, and the tokens are the transcript's", async () => {
  const inspected = await sotto(['inspect', jfk, ...quick, '--beam_size', '2', '--layer', '2', '--head', '3']);
  assert.is(inspected.status, 0, inspected.stderr);
  const words = ['--word_timestamps', 'True', '--beam_size', '2'];
  const transcribed = await sotto([jfk, ...quick, ...words, '-f', 'json']);
  assert.is(transcribed.status, 0, transcribed.stderr);
  const found = JSON.parse(readFileSync(join(folder, 'jfk.inspect.json'), 'utf8'));
  const { segments } = JSON.parse(readFileSync(join(folder, 'jfk.json'), 'utf8'));
  assert.is(found.version, 1);
  const timed = segments.flatMap(({ words: own }: { words: unknown[] }) => own);
  const fromPath: { word: string; start: number; row: number }[] = found.alignment.words;
  for (const { word, start } of timed) {
    const beginning = fromPath.find((one) => one.start === start && word.startsWith(one.word));
    assert.ok(beginning, `${word} at ${start} is on the path`);
    assert.is(found.alignment.path[beginning.row] / 50, start);
  }
  assert.is(timed.map(({ word }: { word: string }) => word).join(''), fromPath.map(({ word }) => word).join(''));
  const steps: { token: number }[] = found.attempts[0].steps;
  assert.equal(
    steps.map(({ token }) => token).slice(0, -1),
    segments.flatMap(({ tokens }: { tokens: number[] }) => tokens),
  );
  const drawings = readdirSync(folder).filter((name) => name.endsWith('.svg'));
  assert.equal(drawings.sort(), [
    'jfk.attention.svg',
    'jfk.beams.svg',
    'jfk.candidates.svg',
    'jfk.head.svg',
    'jfk.mel.svg',
  ]);
  assert.match(readFileSync(join(folder, 'jfk.head.svg'), 'utf8'), 'Cross-attention of layer 2, head 3');
  for (const name of drawings) {
    const text = readFileSync(join(folder, name), 'utf8');
    assert.match(text, /^<svg [^>]*role="img"[^>]*><title id="title">[^<]+<\/title><desc id="desc">[^<]+<\/desc>/);
    const open = text.match(/<[a-z][^>]*[^/]>/g) ?? [];
    const closed = text.match(/<\/[a-z]+>/g) ?? [];
    assert.is(open.length, closed.length, `${name}: every element is closed`);
    assert.not.match(text, /&(?!amp;|lt;|gt;|quot;)/);
  }
});

test('wrong arguments end with 2', async () => {
  const rows: [string[], string][] = [
    [[], 'inspect takes one recording, and was given 0.'],
    [[jfk, jfk], 'inspect takes one recording, and was given 2.'],
    [[jfk, '--window', '0', '--at', '1'], 'exclude each other'],
    [[jfk, '--head', '1'], 'head needs'],
    [[jfk, '--vad', 'True'], 'There is no option --vad.'],
    [[jfk, '--layer', '-1'], 'layer'],
  ];
  for (const [argv, sentence] of rows) {
    const { status, stderr } = await sotto(['inspect', ...argv, ...quick]);
    assert.is(status, 2, stderr);
    assert.match(stderr, sentence);
  }
});

test.run();
