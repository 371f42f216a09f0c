/** A known text and a recording, on a model that reads digits: what is said has its time, what is not is reported. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../../src/base/errors.ts';
import type { Inference } from '../../../src/decode/inference.ts';
import { align } from '../../../src/transcribe/align/align.ts';
import type { Alignment } from '../../../src/transcribe/align/alignment.ts';
import type { AlignOptions } from '../../../src/transcribe/align/options.ts';
import { transcribe } from '../../../src/transcribe/transcribe.ts';
import type { Unmatched } from '../../../src/transcribe/transcript.ts';
import { digitReader, digitRecording, layDigits, type SpokenDigit } from '../../support/digits.ts';
import { throws } from '../../support/throws.ts';
import { smallTokenizer as tokenizer } from '../../support/tokenizer.ts';

const test = suite('align');

const digits = layDigits([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7], (i) => (i % 5 === 0 ? 80 : 8));
const nFrames = digits.at(-1)!.end + 200;
const said = '3 1 4 1 5 9 2 6 5 3 5 8 9 7';
const english = { language: 'en', temperature: 0, suppressTokens: [0], compressionRatioThreshold: null } as const;

/** A reader that finds digits as likely as it is told to, where it is shown a text. */
function reader(likelihood: (digit: number) => number = () => 1e-7, onStep?: () => void): Inference {
  const inference = digitReader({ perSegment: 5, onStep });
  const alignHeard = inference.align;
  assert.ok(alignHeard);

  return Object.assign(Object.create(inference) as Inference, {
    nVocab: inference.nVocab,
    nTextCtx: inference.nTextCtx,
    nMels: inference.nMels,
    encode: inference.encode.bind(inference),
    greedy: inference.greedy.bind(inference),
    start: inference.start.bind(inference),
    align: (async (request, onHead, signal) => {
      const probs = await alignHeard(request, onHead, signal);
      // Digits are shown as a space and a digit.
      return probs.map((p, i) => {
        const token = request.tokens[i + 1]! - 48;
        return token >= 0 && token <= 9 ? likelihood(token) : p;
      });
    }) satisfies NonNullable<Inference['align']>,
  });
}

async function read(
  lines: readonly string[],
  options: AlignOptions = {},
  inference: Inference = reader(),
  spoken: readonly SpokenDigit[] = digits,
): Promise<Alignment> {
  return align({ inference, tokenizer }, digitRecording(spoken, nFrames), lines, { ...english, ...options });
}

/** `kind:line:text|heard` */
const shown = (unmatched: readonly Unmatched[] | undefined): string[] =>
  (unmatched ?? []).map(
    ({ kind, line, text, heard }) => `${kind}:${line}:${text}${heard === undefined ? '' : `|${heard}`}`,
  );

test('a text that is said has the times of the transcription, in its own lines', async () => {
  const mel = digitRecording(digits, nFrames);
  const plain = await transcribe({ inference: digitReader(), tokenizer }, mel, { ...english, wordTimestamps: true });
  const { segments, unmatched, wordCount, foundCount, language, duration } = await read([
    '3 1 4',
    '1 5 9 2',
    '6 5 3 5 8 9 7',
  ]);
  assert.equal(
    segments.map(({ id, text }) => [id, text]),
    [
      [0, ' 3 1 4'],
      [1, ' 1 5 9 2'],
      [2, ' 6 5 3 5 8 9 7'],
    ],
  );
  const timesOf = (all: typeof segments) =>
    all.flatMap(({ words = [] }) => words.map(({ word, start, end }) => [word, start, end]));
  assert.equal(timesOf(segments), timesOf(plain.segments));
  for (const { start, end, words } of segments) assert.equal([start, end], [words?.[0]?.start, words?.at(-1)?.end]);
  assert.equal([unmatched, wordCount, foundCount, language, duration], [[], 14, 14, 'en', nFrames / 100]);
});

test('a wrong word, a line too many, and speech that is not in the text are reported, and move nothing', async () => {
  const right = (await read([said])).segments[0]?.words ?? [];
  const wrong = await read(['3 1 4 1 5', '9 7 6 5 3', '5 8 9 7']);
  assert.equal(shown(wrong.unmatched), ['notSaid:2:7|2']);
  assert.equal([wrong.wordCount, wrong.foundCount], [14, 13]);
  const words = wrong.segments.flatMap((segment) => segment.words ?? []);
  for (const [i, word] of words.entries()) {
    if (i !== 6) assert.equal(word, right[i]);
    else assert.equal([word.start, word.end, word.probability], [words[5]?.end, words[5]?.end, 0]);
  }

  const more = await read(['3 1 4 1 5', '0 0 7 0 0 7 0 0 7 0', '9 2 6 5 3 5 8 9 7']);
  assert.equal(shown(more.unmatched), ['notSaid:2:0 0 7 0 0 7 0 0 7 0']);
  assert.equal(
    more.segments.map(({ text }) => text),
    [' 3 1 4 1 5', ' 9 2 6 5 3 5 8 9 7'],
  );
  assert.equal(
    more.segments.flatMap((segment) => segment.words),
    right,
  );

  const fewer = await read(['3 1 4 1 5', '5 8 9 7']);
  assert.equal(shown(fewer.unmatched), ['notInText:1:9 2 6 5 3']);
  const [missing] = fewer.unmatched;
  assert.equal([missing?.start, missing?.end], [right[5]?.start, right[9]?.end]);
  assert.equal(
    fewer.segments.flatMap((segment) => segment.words),
    [...right.slice(0, 5), ...right.slice(10)],
  );
});

test('words that were heard otherwise are found where the model finds them likely', async () => {
  const { unmatched, segments, foundCount } = await read(
    ['3 1 4 1 5 0 2 6 5 3 5 8 9 7'],
    {},
    reader((digit) => (digit === 0 ? 0.9 : 1e-7)),
  );
  assert.equal([unmatched, foundCount], [[], 14]);
  const word = segments[0]?.words?.[5];
  assert.ok(word);
  assert.is(word.word, ' 0');
  assert.ok(word.start < digits[5]!.end / 100 && word.end > digits[5]!.start / 100, JSON.stringify(word));
});

test('what is likely enough in place of another word is not where nothing was heard, nor beside what is not said', async () => {
  // The geometric mean with the space before it is 0.0095.
  const doubtful = reader((digit) => (digit === 0 ? 1e-4 : 1e-7));
  assert.equal(shown((await read(['3 1 4 1 5 0 2 6 5 3 5 8 9 7'], {}, doubtful)).unmatched), []);
  assert.equal(shown((await read(['3 1 4 1 5 9 2 0 6 5 3 5 8 9 7'], {}, doubtful)).unmatched), ['notSaid:1:0']);
  // Two in place of two: each for itself.
  const one = reader((digit) => (digit === 0 ? 0.9 : 1e-7));
  assert.equal(shown((await read(['3 1 4 1 5 0 7 6 5 3 5 8 9 7'], {}, one)).unmatched), ['notSaid:1:7']);
  // Four in place of four: one of them is not said.
  assert.equal(shown((await read(['3 1 4 1 5 0 0 0 7 3 5 8 9 7'], {}, one)).unmatched), ['notSaid:1:7']);
  // Many are judged together: what is fluent alone is not said.
  const fluent = reader((digit) => (digit === 0 ? 0.9 : 1e-9));
  const many = await read(['3 1 4 1 5 0 7 7 7 7 0 5 8 9 7'], {}, fluent);
  assert.equal(
    many.unmatched.map(({ text }) => text),
    ['0 7 7 7 7 0'],
  );
});

test('a word that was not heard takes its time from its neighbours', async () => {
  const { segments, unmatched } = await read(
    ['3 1 4 1 5 9 2 0 6 5 3 5 8 9 7'],
    {},
    reader((digit) => (digit === 0 ? 0.9 : 1e-7)),
  );
  assert.equal(unmatched, []);
  const words = segments[0]?.words ?? [];
  assert.ok(words[7]!.start < words[7]!.end, JSON.stringify(words[7]));
  for (const [i, word] of words.entries()) {
    assert.ok(word.start <= word.end && word.start >= (words[i - 1]?.end ?? 0), `${i} ${JSON.stringify(words)}`);
  }
});

test('the text of something else fits nowhere, and no time is invented', async () => {
  for (const [lines, spoken] of [
    [['0 0 7', '0 0 7 0 0 7'], digits],
    [[said], []],
    [Array.from({ length: 2000 }, () => '0 7 0'), digits],
  ] as const) {
    const { segments, text, unmatched, foundCount } = await read(lines, {}, reader(), spoken);
    assert.equal([segments, text, foundCount], [[], '', 0]);
    assert.is(unmatched.length, lines.length);
    assert.ok(unmatched.every(({ kind }) => kind === 'notSaid'));
  }
});

test('marks alone are no words, and are written where they stand', async () => {
  const { segments, unmatched, wordCount } = await read(['? 3 1 4 1 5 * 9 2', '6 5 3 5 8 9 7']);
  assert.is(segments[0]?.text, ' ? 3 1 4 1 5 * 9 2');
  assert.equal([unmatched, wordCount], [[], 14]);
  for (const { start, end } of segments[0]?.words ?? []) assert.ok(start <= end);
});

test('options of other things are refused', async () => {
  await throws(OptionsError, 'unknown', () => read([said], { task: 'translate' } as object));
  await throws(OptionsError, 'unknown', () => read([said], { colour: 1 } as object));
  await throws(OptionsError, 'range', () => read([said], { beamSize: 0 }));
});

test('an abort ends it at any step', async () => {
  for (let stop = 1; ; stop += 4) {
    const controller = new AbortController();
    let steps = 0;
    const inference = reader(undefined, () => {
      if (++steps === stop) controller.abort(new Error('enough'));
    });
    const { signal } = controller;
    const work = read(['3 1 4 1 5 9 7 6 5 3 5 8 9 7'], { signal }, inference);
    if (!signal.aborted) await Promise.race([work.catch(() => {}), new Promise((resolve) => setImmediate(resolve))]);
    const reason = await work.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (reason === undefined) {
      assert.ok(steps < stop && stop > 20, `${steps} steps`);
      return;
    }
    assert.is(reason, signal.reason);
  }
});

test.run();
