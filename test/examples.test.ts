/** The programs of `examples/` do what they say. The page is type-checked only; browsers have tests of their own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommandOptions, program } from './support/command.ts';
import { repoRoot } from './support/paths.ts';

const test = suite('examples');
const SAID = 'ask what you can do for your country.';

async function example(name: string, ...args: string[]): Promise<string> {
  return exampleWith({}, name, ...args);
}

async function exampleWith(options: CommandOptions, name: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await program(join(repoRoot, `dist/examples/${name}.js`), args, options);
  assert.is(status, 0, stderr);
  return stdout;
}

test('transcribeFile prints segments with their times', async () => {
  assert.match(await example('transcribeFile'), new RegExp(`^0\\.00 - 11\\.00 .*${SAID}\n$`));
});

test('progressAndAbort stops where it is told to, and ends', async () => {
  const text = await example('progressAndAbort', 'assets/jfk.wav', '0');
  assert.match(text, 'transcribe: 0.0 of 11.0 seconds\nstopped: heard enough\n');
});

test('subtitles prints a file of the wanted format', async () => {
  const text = await example('subtitles', 'assets/jfk.wav', 'vtt');
  assert.match(text, /^WEBVTT\n\n00:00\.000 --> 00:11\.000\nAnd so my fellow Americans/);
});

test('nextToken shows the likeliest tokens of each step', async () => {
  const lines = (await example('nextToken')).trim().split('\n');
  assert.is(lines.length, 12);
  assert.match(lines[0] ?? '', /^" And" 0\.\d+ /);
});

test('live prints what comes on standard input', async () => {
  const wav = readFileSync(join(repoRoot, 'assets/jfk.wav'));
  const text = await exampleWith({ input: [wav.subarray(wav.indexOf('data') + 8)] }, 'live');
  assert.match(text, new RegExp(`^ And so.*${SAID}\n$`));
});

test.run();
