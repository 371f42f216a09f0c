/** `sotto -`: sound on standard input, text on standard output. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sotto } from '../support/command.ts';
import { repoRoot } from '../support/paths.ts';

const test = suite('cli/listen');
const folder = mkdtempSync(join(tmpdir(), 'sotto-listen-'));
test.after(() => rmSync(folder, { recursive: true }));

const wav = readFileSync(join(repoRoot, 'assets/jfk.wav'));
/** As ffmpeg writes it into a pipe: it cannot know how long it will be. */
const endless = Uint8Array.from(wav);
for (const at of [4, wav.indexOf('data') + 4]) endless.set([0xff, 0xff, 0xff, 0xff], at);
const bare = wav.subarray(wav.indexOf('data') + 8);
/** Bytes: 16000 samples of 16 bits. */
const SECOND = 32000;
const quick = ['--model', 'tiny', '--device', 'cpu', '--language', 'en', '--temperature_increment_on_fallback', 'None'];
/** Somebody who never stops talking, faster than he can. */
async function* unending(): AsyncGenerator<Uint8Array> {
  yield endless.subarray(0, endless.length - bare.length);
  for (let at = 0; ; at = (at + SECOND) % bare.length) {
    yield bare.subarray(at, at + SECOND);
    await setTimeout(200);
  }
}
const ASK = /^And so,? my fellow Americans.*what you can do for your country\.\n$/s;

test('a WAV without a length is printed as it is understood, and no file is written', async () => {
  const { status, stdout, stderr } = await sotto(['-', ...quick], { input: [endless], cwd: folder });
  assert.is(status, 0, stderr);
  assert.match(stdout, ASK);
  assert.not.match(stderr, /country/, 'partial text is for terminals');
  assert.equal(readdirSync(folder), []);
});

test('no sound at all is no error, and told', async () => {
  for (const format of [[], ['--input_format', 's16le']]) {
    const { status, stdout, stderr } = await sotto(['-', ...quick, ...format], { input: [], cwd: folder });
    assert.is(status, 0, stderr);
    assert.is(stdout, '');
    assert.match(stderr, 'Standard input gave no sound.');
  }
});

test('bare samples; files are named stdin', async () => {
  const out = join(folder, 'out');
  const format = ['--input_format', 's16le', '--input_rate', '16000', '--min_chunk', '4'];
  const { status, stdout, stderr } = await sotto(
    ['-', ...quick, ...format, '-o', out, '--word_timestamps', 'True', '--verbose', 'False'],
    { input: [bare] },
  );
  assert.is(status, 0, stderr);
  assert.is(stdout, '');
  assert.equal(
    readdirSync(out).sort(),
    ['json', 'srt', 'tsv', 'txt', 'vtt'].map((kind) => `stdin.${kind}`),
  );
  const { text, segments } = JSON.parse(readFileSync(join(out, 'stdin.json'), 'utf8'));
  assert.match(`${text.trim()}\n`, ASK);
  assert.is(segments[0].words[0].word, ' And');
});

test('Ctrl-C keeps what is stable', async () => {
  const out = join(folder, 'interrupted');
  let sent = false;
  const { status, stdout } = await sotto(['-', ...quick, '-f', 'txt', '-o', out], {
    input: unending(),
    onStdout(text, child) {
      if (sent || !text.includes('fellow')) return;
      sent = true;
      child.kill('SIGINT');
    },
  });
  assert.ok(sent);
  assert.is(status, 130);
  assert.match(stdout, /^And so,? my fellow/);
  const file = readFileSync(join(out, 'stdin.txt'), 'utf8');
  assert.is(file.replaceAll('\n', ' '), stdout.replaceAll('\n', ' '));
});

test('what makes no sense is refused, before anything is loaded', async () => {
  const rows: [string[], string][] = [
    [['-', 'talk.mp3'], 'Standard input (-) is transcribed alone'],
    [['-', '--clip_timestamps', '1,2'], '--clip_timestamps has no meaning for sound that is still coming'],
    [['-', '--batch_size', '4'], '--batch_size has no meaning'],
    [['-', '--input_rate', '8000'], '--input_rate says what bare samples are'],
    [['-', '--min_chunk', '0'], '--min_chunk takes a number from 0.1 to 30, not "0"'],
    [['talk.mp3', '--min_chunk', '2'], '--min_chunk is about standard input'],
  ];
  for (const [args, words] of rows) {
    const { status, stderr } = await sotto(args, { input: [], env: { SOTTO_CACHE: join(folder, 'none') } });
    assert.is(status, 2, args.join(' '));
    assert.match(stderr, words);
  }
});

test('what is no sound ends with 1 and a hint', async () => {
  const { status, stderr } = await sotto(['-', ...quick], {
    input: [Buffer.from('#!/bin/sh\necho this is no sound\n')],
  });
  assert.is(status, 1);
  assert.match(stderr, /sotto: .*\n.*(Install ffmpeg|--input_format s16le)/);
});

test.run();
