/** The real model with many recordings at once: to the bit what each has alone, words and scores included. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load, type TranscribeOptions, type Transcript } from '../../src/index.node.ts';
import { repoRoot, tinyPackage } from '../support/paths.ts';

const test = suite('pool with the tiny model');

const bytes = readFileSync(join(repoRoot, 'assets/jfk.wav'));
const sound = bytes.subarray(bytes.indexOf('data') + 8);
const jfk = Float32Array.from({ length: sound.length >> 1 }, (_, i) => sound.readInt16LE(2 * i) / 32768);

/** Seconds of it, one after the other. */
function cut(...parts: readonly (readonly [from: number, to: number])[]): Float32Array {
  const pieces = parts.map(([from, to]) => jfk.subarray(16000 * from, 16000 * to));
  const whole = new Float32Array(pieces.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const recordings: readonly (readonly [Float32Array, TranscribeOptions])[] = [
  [cut([0, 11], [0, 11], [3, 11], [0, 8]), { language: 'en', wordTimestamps: true }],
  [cut([0, 11]), { beamSize: 5, wordTimestamps: true }],
  [cut([3, 11]), { language: 'en', initialPrompt: 'My fellow citizens.' }],
  [cut([5, 11]), { language: 'en', withoutTimestamps: true, suppressTokens: '' }],
  [cut([0, 8]), { language: 'en', logprobThreshold: 0, temperature: [0, 0.4], bestOf: 2, sampleLen: 20 }],
];

test('recordings with options of their own; one of them is given up in the middle', async () => {
  const whisper = await load(tinyPackage, { device: 'cpu', threads: 2 });
  try {
    const alone: Transcript[] = [];
    for (const [audio, options] of recordings) alone.push(await whisper.transcribe(audio, options));
    const controller = new AbortController();
    const gone = whisper
      .transcribe(recordings[0]![0], { language: 'en', signal: controller.signal, onSegment: () => controller.abort() })
      .catch((error: unknown) => error);
    const together = await Promise.all(recordings.map(([audio, options]) => whisper.transcribe(audio, options)));
    assert.is(await gone, controller.signal.reason);
    for (const [i, transcript] of together.entries()) assert.equal(transcript, alone[i], `recording ${i}`);
    assert.match(alone[0]!.text, 'ask not what your country can do for you');
  } finally {
    await whisper.close();
  }
});

test.run();
