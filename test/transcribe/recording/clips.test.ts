import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../../src/base/errors.ts';
import { clipsOf } from '../../../src/transcribe/recording/clips.ts';
import { throws } from '../../support/throws.ts';

const test = suite('clips');

// [given, frames of the recording, clips]
const rows: [string | number[], number, [number, number][]][] = [
  ['', 1234, [[0, 1234]]],
  [[], 1234, [[0, 1234]]],
  [[], 0, [[0, 0]]],
  ['2.0,8.5', 3000, [[200, 850]]],
  [
    '0.5,3.25,4,9.7,12',
    2000,
    [
      [50, 325],
      [400, 970],
      [1200, 2000],
    ],
  ],
  [[5], 2000, [[500, 2000]]],
  [
    [0.005, 0.015, 0.025, 0.035],
    2000,
    [
      [0, 2],
      [2, 4],
    ],
  ],
  [
    [10, 40, 50],
    2000,
    [
      [1000, 2000],
      [2000, 2000],
    ],
  ],
  [
    [8, 9, 2, 3],
    2000,
    [
      [800, 900],
      [200, 300],
    ],
  ],
];
for (const [given, nFrames, clips] of rows) {
  test(`${JSON.stringify(given)} of ${nFrames} frames`, () => {
    assert.equal(
      clipsOf(given, nFrames).map(({ start, end }) => [start, end]),
      clips,
    );
  });
}

test('what is not a time is refused', async () => {
  for (const given of ['a', '1,', ',', '1,b', [Number.NaN], [-1], [Number.POSITIVE_INFINITY]]) {
    await throws(OptionsError, 'clipTimestamps', () => clipsOf(given, 100));
  }
});

test.run();
