import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ffmpegOrSkip } from '../support/ffmpeg.ts';
import { fuzz } from './fuzz.ts';
import { mutateBytes, mutateJson } from './mutate.ts';
import { READERS } from './readers.ts';

const test = suite('fuzz');

/** As long as it may take in a run of all tests; `npm run fuzz` goes on as long as one likes. */
const MINUTES = 3;

test('damage is the same for the same number, and other for another', () => {
  const good = Uint8Array.from({ length: 1000 }, (_, i) => i);
  assert.equal(mutateBytes(good, 7), mutateBytes(good, 7));
  assert.not.equal(mutateBytes(good, 7), mutateBytes(good, 8));
  assert.equal(good[5], 5);
  const json = { a: [1, [2]], b: { c: 'x', d: [{ e: 1 }] } };
  const before = Array.from({ length: 3000 }, (_, i) => mutateJson(json, i));
  for (const [i, damaged] of before.entries()) assert.equal(mutateJson(json, i), damaged, `${i}`);
});

test('damaged files are read or refused by a typed error, in bounded time and memory', async () => {
  if (!ffmpegOrSkip('damaged files')) return;
  const lines: string[] = [];
  const readers = Object.keys(READERS);
  const { failures, counts, nRead } = await fuzz({ readers, seed: 1, minutes: MINUTES, onLine: (l) => lines.push(l) });
  assert.is(failures.length, 0, lines.join('\n'));
  for (const reader of readers) assert.ok((counts[reader] ?? 0) > 0, reader);
  // Damage that no reader survives would test the refusal alone.
  assert.ok(nRead > 0);
});

test.run();
