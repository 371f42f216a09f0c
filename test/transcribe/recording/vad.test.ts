/** Speech alone: silence is not imagined to be text, and times are those of the recording. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Progress } from '../../../src/base/progress.ts';
import type { TranscribeOptions } from '../../../src/transcribe/options.ts';
import { Timeline } from '../../../src/transcribe/recording/timeline.ts';
import { transcribe } from '../../../src/transcribe/transcribe.ts';
import { digitReader, digitRecording, layDigits } from '../../support/digits.ts';
import { segmentOf } from '../../support/segments.ts';
import { smallTokenizer as tokenizer } from '../../support/tokenizer.ts';

const test = suite('vad');

const { eot, timestampBegin } = tokenizer;
/** 3 digits, 70 s of silence, 3 digits, 10 s, 20 digits with 2 s between them, 5 s. */
const digits = layDigits(
  Array.from({ length: 26 }, (_, i) => i % 10),
  (i) => (i === 0 ? 100 : i === 3 ? 7000 : i === 6 ? 1000 : i < 6 ? 6 : 200),
);
const nFrames = digits.at(-1)!.end + 500;
const said = digits.map(({ digit }) => ` ${digit}`).join('');

async function read(options: TranscribeOptions) {
  // Where nothing is said, this model says "you".
  const you = [timestampBegin, ...Buffer.from(' you'), timestampBegin + 100];
  const inference = digitReader({
    perSegment: 3,
    change: (logits, { mel, sampled }) => {
      if (mel.some((value) => value === 1) || sampled.length > you.length) return logits;
      const imagined = logits.fill(-60);
      imagined[you[sampled.length] ?? eot] = 20;
      return imagined;
    },
  });
  const mel = digitRecording(digits, nFrames);
  const transcript = await transcribe({ inference, tokenizer }, mel, {
    language: 'en',
    temperature: 0,
    suppressTokens: [0],
    compressionRatioThreshold: null,
    ...options,
  });
  assert.is(inference.open, 0);
  return { ...transcript, count: inference.mels.length };
}

test('without it, silence is imagined to be text', async () => {
  assert.match((await read({})).text, 'you');
});

for (const batchSize of [1, 3])
  for (const wordTimestamps of [false, true])
    test(`speech alone, batches of ${batchSize}, ${wordTimestamps ? 'words' : 'segments'}`, async () => {
      const progress: Progress[] = [];
      const { text, segments, duration } = await read({
        vad: true,
        batchSize,
        wordTimestamps,
        onProgress: (told) => progress.push(told),
      });
      assert.is(text, said);
      assert.is(duration, nFrames / 100);
      let next = 0;
      for (const segment of segments) {
        const own = digits.slice(next, next + segment.text.length / 2);
        next += own.length;
        const told = `${segment.text} at ${segment.start}-${segment.end}, was ${own[0]!.start}-${own.at(-1)!.end}`;
        assert.ok(Math.abs(segment.start - own[0]!.start / 100) < 0.35, told);
        assert.ok(Math.abs(segment.end - own.at(-1)!.end / 100) < 0.35, told);
        assert.ok(segment.start <= segment.end, told);
        segment.words?.forEach((word, i) => {
          const digit = own[i]!;
          assert.ok(Math.abs((word.start + word.end) * 50 - (digit.start + digit.end) / 2) < 25, told);
        });
        if (wordTimestamps) assert.is(segment.words!.length, own.length);
      }
      progress.forEach(({ done, total }, i) => {
        assert.is(total, nFrames / 100);
        assert.ok(done >= (progress[i - 1]?.done ?? 0) && done <= total);
      });
      assert.is(progress.at(-1)!.done, nFrames / 100);
    });

test('the margin and the shortest silence are the callers', async () => {
  const { text, count } = await read({ vad: { minSilence: 0.5, padding: 0.1 } });
  assert.is(text, said);
  // 26 digits of 0.3 s with 0.2 s around them fit one window.
  assert.is(count, 1);
});

test('a recording without speech has no text, and a language', async () => {
  const inference = digitReader();
  const mel = digitRecording([], 3000);
  for (const batchSize of [1, 2]) {
    const { text, segments, language } = await transcribe({ inference, tokenizer }, mel, { vad: true, batchSize });
    assert.equal([text, segments, language], ['', [], 'en']);
  }
  assert.is(inference.mels.length, 0, 'nothing is decoded');
});

test('parts that are asked for are cut to their speech', async () => {
  const { text } = await read({ vad: true, clipTimestamps: [80, 100, 0, 20] });
  const inside = (start: number, end: number) => digits.filter((d) => d.start >= start && d.end <= end);
  assert.is(text, [...inside(8000, 10_000), ...inside(0, 2000)].map(({ digit }) => ` ${digit}`).join(''));
});

/** Frames show their own number; 128 rows would be the same. */
const numbered = {
  nMels: 2,
  nFrames: 10_000,
  window: async (seek: number, size: number) => {
    const out = new Float32Array(2 * 3000);
    for (let row = 0; row < 2; row++)
      for (let i = 0; i < size; i++) out[row * 3000 + i] = seek + i < 10_000 ? seek + i : -1;
    return out;
  },
  detectionWindow: async () => new Float32Array(6000),
  close: async () => {},
};

test('joined parts read as one recording', async () => {
  const timeline = new Timeline([
    { start: 100, end: 200 },
    { start: 5000, end: 5010 },
    { start: 300, end: 400 },
  ]);
  assert.is(timeline.nFrames, 210);
  const mel = timeline.splice(numbered);
  const expected = [...Array(100).keys()].map((i) => 100 + i);
  expected.push(...[...Array(10).keys()].map((i) => 5000 + i), ...[...Array(100).keys()].map((i) => 300 + i));
  for (const [seek, size] of [
    [0, 210],
    [0, 50],
    [95, 30],
    [105, 3],
    [110, 100],
  ] as const) {
    const window = await mel.window(seek, size);
    for (const row of [0, 1]) {
      const found = [...window.subarray(row * 3000, (row + 1) * 3000)];
      assert.equal(found.slice(0, size), expected.slice(seek, seek + size));
      assert.ok(found.slice(size).every((value) => value === 0));
    }
  }
  const first = await mel.detectionWindow();
  assert.equal([...first.subarray(0, 210)], expected);
  assert.ok(
    first.subarray(210, 3000).every((value) => value === -1),
    'silence is behind it',
  );
  assert.equal(
    [0, 99, 100, 109, 110, 209, 210, 500].map((frame) => timeline.sourceFrame(frame)),
    [100, 199, 5000, 5009, 300, 399, 400, 400],
  );
  assert.equal([...timeline.gather(Float32Array.from({ length: 10_000 }, (_, i) => i))], expected);
});

const segment = (start: number, end: number, words?: [number, number][]) =>
  segmentOf('', {
    start,
    end,
    ...(words && { words: words.map(([s, e]) => ({ word: '', start: s, end: e, probability: 1 })) }),
  });

test('times at a join belong to the side where something is said', () => {
  // 0..2 s are 10..12, 2..5 s are 20..23, 5..6 s are 40..41.
  const timeline = new Timeline(
    [
      { start: 1000, end: 1200 },
      { start: 2000, end: 2300 },
      { start: 4000, end: 4100 },
    ],
    0.3,
  );
  const times = (start: number, end: number): number[] => {
    const mapped = timeline.sourceSegment(segment(start, end));
    return [mapped.start, mapped.end];
  };
  assert.equal(times(0.5, 1.5), [10.5, 11.5]);
  assert.equal(times(0, 2), [10, 12]);
  assert.equal(times(0, 2.2), [10, 12], 'an end in the margin behind a join');
  assert.equal(times(1.8, 3), [20, 21], 'a start in the margin before one');
  assert.equal(times(1.5, 3), [11.5, 21]);
  assert.equal(times(2, 5), [20, 23]);
  assert.equal(times(1.9, 2.1), [20, 20.1], 'all of it in the margin: where its middle is');
  assert.equal(times(5.5, 8), [40.5, 41], 'not beyond the end');
  const words = timeline.sourceSegment(
    segment(1.9, 5.4, [
      [1.9, 2.5],
      [4.8, 5.4],
    ]),
  );
  assert.equal(
    words.words!.map(({ start, end }) => [start, end]),
    [
      [20, 20.5],
      [40, 40.4],
    ],
  );
  assert.equal([words.start, words.end], [20, 40.4], 'the segment begins and ends with its words');
});

test.run();
