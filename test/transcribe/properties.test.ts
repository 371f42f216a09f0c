/** What must hold whatever the model says: random logits, random options, many recordings. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomBits, randomStream } from '../../src/base/random.ts';
import type { TranscribeOptions } from '../../src/transcribe/options.ts';
import { transcribe } from '../../src/transcribe/transcribe.ts';
import type { Segment } from '../../src/transcribe/transcript.ts';
import { placesMel } from '../support/mel.ts';
import { type Script, ScriptedInference } from '../support/scriptedInference.ts';
import { smallTokenizer as tokenizer } from '../support/tokenizer.ts';

const test = suite('properties');

const { nVocab, eot, timestampBegin: tsb } = tokenizer;

/** A model that babbles: letters, timestamps and ends come by chance, more or less often by `mood`. */
function babble(seed: number): Script {
  const mood = randomStream(seed);
  const [ends, times, letters] = [mood() * 12, mood() * 12, mood() * 12];
  return ({ history, window }) => {
    const key = history.reduce((k, token) => randomBits(k, token), randomBits(seed, window));
    const row = new Float32Array(nVocab).map((_, id) => (randomBits(key, id) / 2 ** 32) * 2);
    row[97 + (randomBits(key, 2001) % 20)]! += letters * (randomBits(key, 2002) / 2 ** 32);
    row[tsb + (randomBits(key, 2003) % 1501)]! += times * (randomBits(key, 2004) / 2 ** 32);
    row[eot]! += ends * (randomBits(key, 2005) / 2 ** 32);
    return row;
  };
}

function randomOptions(seed: number): TranscribeOptions {
  const random = randomStream(seed + 7777);
  const maybe = <T>(value: T): T | undefined => (random() < 0.4 ? value : undefined);
  const beams = random() < 0.3;
  return {
    temperature: beams || random() < 0.5 ? 0 : [0, 0.4, 1],
    beamSize: beams ? 2 : undefined,
    bestOf: maybe(2),
    sampleLen: 5 + Math.floor(random() * 30),
    withoutTimestamps: maybe(true),
    suppressTokens: maybe('-1,97,98'),
    suppressBlank: maybe(false),
    maxInitialTimestamp: maybe(null),
    conditionOnPreviousText: maybe(false),
    initialPrompt: maybe('hello'),
    carryInitialPrompt: maybe(true),
    noSpeechThreshold: maybe(null),
    logprobThreshold: maybe(-100),
    clipTimestamps: maybe([3, 20.5, 40, 41, 10, 300]),
    wordTimestamps: maybe(true),
    seed,
  };
}

for (let seed = 1; seed <= 40; seed++) {
  test(`seed ${seed}`, async () => {
    const options = randomOptions(seed);
    const seconds = 1 + Math.floor(randomStream(seed)() * 130);
    const mel = placesMel(seconds * 100);
    const noise = randomStream(seed + 5);
    const inference = new ScriptedInference({
      nVocab,
      script: babble(seed),
      align: ({ tokens, columns }) => ({
        heads: [Float32Array.from({ length: tokens.length * columns }, () => noise() * 4)],
        probs: Float32Array.from({ length: tokens.length - 1 }, noise),
      }),
    });
    const told: Segment[] = [];
    const { segments, text } = await transcribe({ inference, tokenizer }, mel, {
      ...options,
      onSegment: (segment) => told.push(segment),
    });

    assert.equal(told, segments);
    assert.is(inference.open, 0, 'everything is closed');
    const windows = inference.mels;
    assert.ok(windows.length > 0);
    const clipStarts = new Set(options.clipTimestamps ? [300, 4000, 1000] : [0]);
    windows.forEach((place, i) => {
      const [seek = -1, size = -1] = place;
      assert.ok(size >= 1 && size <= 3000 && seek + size <= mel.nFrames, `window ${i}: ${seek} ${size}`);
      if (i > 0) assert.ok(seek > windows[i - 1]![0]! || clipStarts.has(seek), `window ${i} at ${seek} goes back`);
    });
    const suppressed = new Set(inference.starts.at(-1)!.rules.suppress);
    segments.forEach((segment, i) => {
      assert.is(segment.id, i);
      for (const token of segment.tokens) assert.not.ok(suppressed.has(token), `token ${token}`);
      if (!options.withoutTimestamps) {
        const times = segment.tokens.filter((token) => token >= tsb);
        assert.equal(
          times,
          times.toSorted((a, b) => a - b),
          'a timestamp goes back',
        );
        assert.ok(segment.end >= segment.start, `segment ${i}: ${segment.start} ${segment.end}`);
      }
      if (options.wordTimestamps) {
        for (const { start, end } of segment.words!) assert.ok(Number.isFinite(start) && Number.isFinite(end));
      }
    });
    assert.is(text, tokenizer.decode(segments.flatMap(({ tokens }) => tokens)));
    for (const { groups } of inference.starts) assert.ok(groups[0]!.initialTokens.length <= 227);
  });
}

test.run();
