import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../../src/base/errors.ts';
import type { AlignRequest } from '../../../src/decode/inference.ts';
import { transcribe } from '../../../src/transcribe/transcribe.ts';
import { findAlignment } from '../../../src/transcribe/words/alignment.ts';
import { placesMel } from '../../support/mel.ts';
import { playTokens, type ScriptedAlignment, ScriptedInference } from '../../support/scriptedInference.ts';
import { throws } from '../../support/throws.ts';
import { tinyTokenizer as tokenizer, ts } from '../../support/tokenizer.ts';

const test = suite('alignment');

const { nVocab, eot, sot, noTimestamps } = tokenizer;

/** Heads that look at `position(i)` at row i of the tokens behind the start sequence, and a step beside it. */
function looking(position: (row: number) => number) {
  return ({ tokens, columns }: AlignRequest): ScriptedAlignment => {
    const scores = new Float32Array(tokens.length * columns);
    for (let row = 3; row < tokens.length; row++) {
      for (let j = 0; j < columns; j++) scores[row * columns + j] = 8 - Math.abs(j - position(row - 3));
    }
    return { heads: [scores, scores], probs: Float32Array.from({ length: tokens.length - 1 }, (_, i) => i / 64) };
  };
}

async function align(textTokens: number[], position: (row: number) => number, nFrames = 400, language = 'en') {
  const requests: AlignRequest[] = [];
  const inference = new ScriptedInference({
    nVocab,
    script: playTokens(nVocab, eot, []),
    align: (request) => {
      requests.push(request);
      return looking(position)(request);
    },
  });
  const audio = await inference.encode(new Float32Array(1));
  const words = await findAlignment(inference, tokenizer, { audio, textTokens, language, task: 'transcribe', nFrames });
  return { words, requests };
}

test('asks for start sequence, no timestamps, text and end, over the frames of sound', async () => {
  const { requests } = await align([400, 370], (row) => row * 40);
  assert.equal(
    requests.map(({ tokens, columns, vocabEnd }) => ({ tokens, columns, vocabEnd })),
    [{ tokens: [sot, 50259, 50359, noTimestamps, 400, 370, eot], columns: 200, vocabEnd: eot }],
  );
});

test('words begin where the path enters the row of their first token', async () => {
  // 452 is " my", 400 " And", 370 " so"; rows look at 20, 60, 100, 140.
  const { words } = await align([400, 370, 452], (row) => 20 + 40 * row);
  assert.equal(
    words.map(({ word, tokens }) => [word, ...tokens]),
    [
      [' And', 400],
      [' so', 370],
      [' my', 452],
    ],
  );
  assert.is(words[0]!.start, 0, 'the path begins in the first corner');
  assert.is(words[0]!.end, words[1]!.start);
  assert.is(words[1]!.end, words[2]!.start);
  for (const [i, { end }] of words.entries()) {
    assert.ok(Math.abs(end - (40 * (i + 1)) / 50) <= 0.5, `word ${i} ends at ${end}`);
  }
});

test('a word of several tokens has the mean of their probabilities', async () => {
  const tokens = tokenizer.encode(" o'clock");
  assert.is(tokens.length, 3);
  const { words } = await align([400, ...tokens], (row) => 20 + 30 * row);
  // The probability of the first text token stands at 3, behind sot, language and task; then 4, 5 and 6 over 64.
  assert.equal(
    words.map(({ word, probability }) => [word, probability]),
    [
      [' And', 3 / 64],
      [' o', 4 / 64],
      ["'clock", 5.5 / 64],
    ].slice(0, words.length),
  );
});

test('no text, no sound: no words', async () => {
  const { words, requests } = await align([], () => 0);
  assert.equal([words, requests], [[], []]);
  assert.equal((await align([400], () => 0, 1)).words, []);
});

test('heads that see no difference: times all the same, no NaN', async () => {
  for (const nFrames of [8, 100]) {
    const { words } = await align([400, 370], () => 0, nFrames);
    for (const { start, end } of words) assert.ok(Number.isFinite(start) && end >= start && end <= nFrames / 100);
  }
});

test('one position: the one before it, as openai/whisper has it', async () => {
  const { words } = await align([400, 370], () => 0, 2);
  assert.equal(
    words.map(({ start, end }) => [start, end]),
    words.map(() => [-0.02, -0.02]),
  );
});

test('transcribe: words in the segments, the next window begins at the last word', async () => {
  const inference = new ScriptedInference({
    nVocab,
    script: playTokens(nVocab, eot, [
      [ts(0), 400, 370, ts(4), ts(4)],
      [ts(0), 452, ts(30)],
    ]),
    // Rows look at 50 (1 s), 100, 150: the last word ends where eot's row would begin.
    align: looking((row) => 50 * (row + 1)),
  });
  const mel = placesMel(4000);
  const options = { language: 'en', temperature: 0, wordTimestamps: true };
  const { segments } = await transcribe({ inference, tokenizer }, mel, options);
  assert.is(inference.open, 0);
  const [first, second] = segments;
  assert.equal(
    first!.words!.map(({ word }) => word),
    [' And', ' so'],
  );
  assert.is(first!.start, first!.words![0]!.start);
  assert.is(first!.end, first!.words!.at(-1)!.end);
  assert.is(second!.seek, Math.round(first!.end * 100));
  assert.ok(second!.seek < 400, 'not where the timestamp said');
});

test('word times are refused where the engine has none, and what needs them without them', async () => {
  const inference = new ScriptedInference({ nVocab, script: playTokens(nVocab, eot, []) });
  const mel = placesMel(0);
  for (const [options, code] of [
    [{ wordTimestamps: true }, 'wordTimestamps'],
    [{ hallucinationSilenceThreshold: 2 }, 'contradiction'],
    [{ appendPunctuations: '.' }, 'contradiction'],
  ] as const) {
    await throws(OptionsError, code, transcribe({ inference, tokenizer }, mel, { language: 'en', ...options }));
  }
});

test.run();
