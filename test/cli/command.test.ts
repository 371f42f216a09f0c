/** The command as people meet it: a process with arguments, files, streams, signals and an exit status. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { wavFile } from '../audio/sounds.ts';
import { sotto } from '../support/command.ts';
import { repoRoot } from '../support/paths.ts';

const test = suite('cli/command');
const folder = mkdtempSync(join(tmpdir(), 'sotto-command-'));
test.after(() => rmSync(folder, { recursive: true }));

const jfk = join(repoRoot, 'assets/jfk.wav');
const SAID =
  ' And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country.';
const quick = ['--model', 'tiny', '--device', 'cpu', '--language', 'en', '--temperature_increment_on_fallback', 'None'];

test('--help and --version go to stdout, with 0', async () => {
  const help = await sotto(['--help']);
  assert.is(help.status, 0);
  assert.is(help.stderr, '');
  assert.match(help.stdout, '--condition_on_previous_text');
  const version = await sotto(['--version']);
  const { version: wanted } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
  assert.is(version.stdout, `${wanted}\n`);
  assert.match((await sotto(['convert', '--help'])).stdout, 'sotto convert SRC DST');
});

test('wrong arguments end with 2 and one sentence, and nothing is loaded', async () => {
  const rows: [string[], string][] = [
    [[], 'Usage:'],
    [['--model', 'tiny'], 'sotto: No recording was named.\n  For example'],
    [['x.wav', '--modle', 'tiny'], 'sotto: There is no option --modle.\n  Did you mean --model?'],
    [['x.wav', '--fp16', 'True'], 'which sotto does not do yet'],
    [['x.wav', '--vad_padding', '1'], '--vad_padding has no effect without --vad True'],
    [['x.wav', '--language', 'klingon'], 'Whisper does not know the language "klingon".'],
    [['convert', 'one'], 'convert takes two folders'],
  ];
  for (const [args, words] of rows) {
    const { status, stdout, stderr } = await sotto(args, { env: { SOTTO_CACHE: join(folder, 'none') } });
    assert.is(status, 2, args.join(' '));
    assert.is(stdout, '');
    assert.match(stderr, words);
    assert.not.match(stderr, /\n {4}at /, 'no stack');
  }
});

test('a model that is nowhere ends with 1 and says what to give', async () => {
  const { status, stderr } = await sotto([jfk, '--model', 'no-such-model'], {
    env: { SOTTO_CACHE: join(folder, 'none') },
  });
  assert.is(status, 1);
  assert.match(stderr, 'There is no model "no-such-model".');
  assert.match(stderr, 'There is no folder no-such-model.');
});

test('what is said is on stdout, and alone there; five files are written', async () => {
  const out = join(folder, 'all');
  const { status, stdout, stderr } = await sotto([jfk, ...quick, '--output-dir', out]);
  assert.is(status, 0, stderr);
  assert.is(stdout, `[00:00.000 --> 00:11.000] ${SAID}\n`);
  assert.equal(
    readdirSync(out).sort(),
    ['json', 'srt', 'tsv', 'txt', 'vtt'].map((kind) => `jfk.${kind}`),
  );
  const { text, language, segments } = JSON.parse(readFileSync(join(out, 'jfk.json'), 'utf8'));
  assert.is(text, SAID);
  assert.is(language, 'en');
  assert.is(segments.length, 1);
});

test('a recording that fails is reported with 1, and the others are still transcribed', async () => {
  const out = join(folder, 'some');
  const noise = join(folder, 'noise.bin');
  writeFileSync(noise, 'this is no sound');
  const missing = join(folder, 'missing.wav');
  const args = [missing, noise, jfk, ...quick, '--verbose=False', '--output_format=txt', '-o', out];
  const { status, stdout, stderr } = await sotto(args);
  assert.is(status, 1);
  assert.is(stdout, '', 'not verbose');
  assert.match(stderr, `sotto: ${missing}: There is no file ${missing}.`);
  assert.match(stderr, `sotto: ${noise}: `);
  assert.equal(readdirSync(out), ['jfk.txt']);
  assert.is(readFileSync(join(out, 'jfk.txt'), 'utf8'), `${SAID.trim()}\n`);
});

test('several recordings share batches; one that fails does not harm the others', async () => {
  const out = join(folder, 'batch');
  const second = join(folder, 'second.wav');
  writeFileSync(second, readFileSync(jfk));
  const missing = join(folder, 'missing.wav');
  const args = [jfk, missing, second, ...quick, '--batch_size=2', '-f=txt', '-o', out];
  const { status, stdout, stderr } = await sotto(args);
  assert.is(status, 1);
  assert.match(stderr, `sotto: ${missing}: There is no file ${missing}.`);
  assert.equal(readdirSync(out).sort(), ['jfk.txt', 'second.txt']);
  // Without beams, so without the comma.
  const said = `${SAID.trim().replace('Americans,', 'Americans')}\n`;
  for (const file of ['jfk.txt', 'second.txt']) assert.is(readFileSync(join(out, file), 'utf8'), said);
  assert.is(stdout.trim().split('\n').length, 2);
});

test('several recordings are decoded at once, and are told of in their order, as one after another', async () => {
  const long = join(folder, 'long.wav');
  const bytes = readFileSync(jfk);
  const sound = bytes.subarray(bytes.indexOf('data') + 8);
  writeFileSync(long, wavFile({ tag: 1, bits: 16, data: Buffer.concat([sound, sound, sound, sound]) }));
  const missing = join(folder, 'missing.wav');
  // The first is done long after the last.
  const args = [long, missing, jfk, ...quick, '-f=srt'];
  const runs = [];
  for (const atOnce of ['1', '3']) {
    const out = join(folder, `at-once-${atOnce}`);
    const { status, stdout, stderr } = await sotto([...args, '--recordings_at_once', atOnce, '-o', out]);
    assert.is(status, 1);
    assert.match(stderr, `sotto: ${missing}: There is no file ${missing}.`);
    assert.ok(stderr.indexOf('transcribing 1/2') < stderr.indexOf('transcribing 2/2'), stderr);
    const files = ['long.srt', 'jfk.srt'].map((file) => readFileSync(join(out, file), 'utf8'));
    runs.push({ stdout, files });
  }
  assert.equal(runs[1], runs[0]);
  assert.ok(runs[0]!.stdout.endsWith(`[00:00.000 --> 00:11.000] ${SAID}\n`), runs[0]!.stdout);
});

test('Ctrl-C in the middle ends with 130 and leaves no file', async () => {
  const out = join(folder, 'interrupted');
  let sent = false;
  const { status, stdout } = await sotto([jfk, ...quick, '-o', out], {
    onStderr(text, child) {
      if (sent || !/^transcribing/m.test(text)) return;
      sent = true;
      child.kill('SIGINT');
    },
  });
  assert.ok(sent, 'it got as far as transcribing');
  assert.is(status, 130);
  assert.is(stdout, '');
  assert.equal(
    readdirSync(folder).filter((name) => name === 'interrupted'),
    [],
  );
});

test.run();
