import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DecodingResult } from '../../../src/decode/task.ts';
import { cutSegments } from '../../../src/transcribe/window/segments.ts';
import { tinyTokenizer as tokenizer, ts } from '../../support/tokenizer.ts';

const test = suite('segments');

const result = (tokens: number[]): DecodingResult => ({
  language: 'en',
  tokens,
  tokenLogprobs: tokens.map(() => -0.5),
  text: '',
  avgLogprob: -0.25,
  noSpeechProb: 0.125,
  temperature: 0.2,
  compressionRatio: 1.5,
});

// [what, tokens, start-end of each segment, its tokens, advance, singleTimestampEnding]; the window begins at 12 s and has 20 s
const rows: [string, number[], [number, number, number[]][], number, boolean][] = [
  ['one segment from a pair around it', [ts(0), 400, ts(2)], [[12, 14, [ts(0), 400, ts(2)]]], 2000, true],
  [
    'its start is the window’s, whatever its first timestamp says',
    [ts(1), 400, ts(2)],
    [[12, 14, [ts(1), 400, ts(2)]]],
    2000,
    true,
  ],
  ['no end: to the end of the window', [ts(0), 400], [[12, 32, [ts(0), 400]]], 2000, false],
  ['no timestamp at all', [400, 370], [[12, 32, [400, 370]]], 2000, false],
  ['nothing', [], [[12, 32, []]], 2000, false],
  ['a lone timestamp', [ts(3)], [[12, 15, [ts(3)]]], 2000, false],
  ['0.00 says nothing of the end', [ts(0)], [[12, 32, [ts(0)]]], 2000, false],
  [
    'a pair in the middle, a timestamp at the end: both segments, all of the window',
    [ts(0), 400, ts(2), ts(2.5), 370, ts(4)],
    [
      [12, 14, [ts(0), 400, ts(2)]],
      [14.5, 16, [ts(2.5), 370, ts(4)]],
    ],
    2000,
    true,
  ],
  [
    'a pair in the middle, text at the end: it is decoded again',
    [ts(0), 400, ts(2), ts(2.5), 370],
    [[12, 14, [ts(0), 400, ts(2)]]],
    200,
    false,
  ],
  [
    'a pair at the end: on from its first half',
    [ts(0), 400, ts(2), ts(2), 370, ts(4.5), ts(5)],
    [
      [12, 14, [ts(0), 400, ts(2)]],
      [14, 16.5, [ts(2), 370, ts(4.5)]],
    ],
    450,
    false,
  ],
  ['two timestamps alone', [ts(1), ts(2)], [[13, 13, [ts(1)]]], 100, false],
  [
    'text before the first timestamp (without timestamp rules)',
    [400, ts(2), ts(2), 370],
    [[12, 14, [400, ts(2)]]],
    200,
    false,
  ],
];

for (const [what, tokens, segments, advance, singleTimestampEnding] of rows) {
  test(what, () => {
    const cut = cutSegments(result(tokens), { seek: 1200, size: 2000 }, tokenizer);
    assert.equal(
      cut.segments.map((s) => [s.start, s.end, [...s.tokens]]),
      segments,
    );
    assert.is(cut.advance, advance);
    assert.is(cut.singleTimestampEnding, singleTimestampEnding);
  });
}

test('a segment has its window’s place and scores, and its text without timestamps and specials', () => {
  const tokens = [ts(0), 400, 370, tokenizer.sot, ts(2)];
  const [segment] = cutSegments(result(tokens), { seek: 300, size: 500 }, tokenizer).segments;
  assert.equal(segment, {
    seek: 300,
    start: 3,
    end: 5,
    text: ' And so',
    tokens,
    tokenLogprobs: tokens.map(() => -0.5),
    temperature: 0.2,
    avgLogprob: -0.25,
    compressionRatio: 1.5,
    noSpeechProb: 0.125,
  });
});

test('times are sums of doubles, as in openai/whisper', () => {
  const [segment] = cutSegments(result([ts(0), 400, ts(0.06)]), { seek: 10, size: 500 }, tokenizer).segments;
  assert.is(segment!.end, 0.1 + 3 * 0.02);
});

test.run();
