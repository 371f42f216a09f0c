/**
 * Two recordings in the channels of one, with the real model: every word has its speaker, and each speaker has the words that
 * they have alone. The recordings are parts of the repository's one; `../shared/speech` beside it adds others.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load, readAudio, type Transcript, type Whisper } from '../../src/index.node.ts';
import { repoRoot, sharedDir, tinyPackage } from '../support/paths.ts';

const test = suite('speakers with the tiny model');

const bytes = readFileSync(join(repoRoot, 'assets/jfk.wav'));
const sound = bytes.subarray(bytes.indexOf('data') + 8);
const jfk = Float32Array.from({ length: sound.length >> 1 }, (_, i) => sound.readInt16LE(2 * i) / 32768);

/** A part of the recording, or another one, that begins after so many seconds. */
function placed(samples: Float32Array, seconds: number, total: number): Float32Array {
  const whole = new Float32Array(16_000 * total);
  whole.set(samples.subarray(0, whole.length - 16_000 * seconds), 16_000 * seconds);
  return whole;
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
const textOf = ({ segments }: Transcript, speaker: string): string =>
  segments.flatMap((segment) => (segment.speaker === speaker ? [segment.text] : [])).join('');

/** @param gain of each in the other's channel */
async function check(whisper: Whisper, left: Float32Array, right: Float32Array, gain: number): Promise<Transcript> {
  const language = 'en';
  const channels = [left.map((v, i) => v + gain * right[i]!), right.map((v, i) => v + gain * left[i]!)];
  const options = { language, channels: 'speakers', wordTimestamps: true } as const;
  const transcript = await whisper.transcribe({ channels, sampleRate: 16_000 }, options);
  for (const [speaker, samples] of [
    ['Left', left],
    ['Right', right],
  ] as const) {
    const alone = await whisper.transcribe(samples, { language, wordTimestamps: true, vad: true });
    assert.equal(wordsOf(textOf(transcript, speaker)), wordsOf(alone.text), `${speaker} with ${gain} of the other`);
  }
  return transcript;
}

let whisper: Whisper;
test.before(async () => {
  whisper = await load(tinyPackage, { device: 'cpu', threads: 2 });
});
test.after(() => whisper.close());

for (const gain of [0, 0.1])
  test(`turns, ${gain === 0 ? 'apart' : 'each heard in the other channel at -20 dB'}`, async () => {
    const left = placed(jfk.subarray(0, 2.6 * 16_000), 0, 14);
    const right = placed(jfk.subarray(3 * 16_000, 11 * 16_000), 4, 14);
    const { segments } = await check(whisper, left, right, gain);
    const limit = 3.5;
    for (const { speaker, start, end, text } of segments)
      assert.ok(speaker === 'Left' ? end < limit : start > limit, `${speaker} ${start} to ${end}${text}`);
  });

test('both at the same time', async () => {
  const left = placed(jfk, 0, 12);
  const right = placed(jfk.subarray(3 * 16_000, 11 * 16_000), 1, 12);
  const { segments } = await check(whisper, left, right, 0);
  assert.equal([...new Set(segments.map(({ speaker }) => speaker))], ['Left', 'Right']);
});

test('a party that only listens, with the other in its channel', async () => {
  const left = placed(jfk, 1, 13);
  const { segments, text } = await check(whisper, left, new Float32Array(left.length), 0.1);
  assert.match(text, 'ask what you can do for your country');
  assert.ok(segments.every(({ speaker }) => speaker === 'Left'));
});

if (sharedDir !== undefined) {
  const speech = join(sharedDir, 'speech');
  for (const [a, b] of [
    ['en_leopard_1.wav', 'en_cheetah_2.flac'],
    ['en_librispeech_1.flac', 'en_leopard_1.wav'],
    ['en_deepspeech_2.wav', 'en_librispeech_1.flac'],
  ] as const)
    test(`${a} left, ${b} right`, async () => {
      const [left, right] = [await readAudio(join(speech, a)), await readAudio(join(speech, b))];
      const turn = left.length / 16_000 - 0.8;
      const total = Math.ceil(turn + right.length / 16_000);
      await check(whisper, placed(left, 0, total), placed(right, turn, total), 0);
    });
}

test.run();
