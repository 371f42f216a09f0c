/** Whose voice is in a channel, given the levels of all of them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeasuredActivity } from '../../../src/audio/features/activity.ts';
import { isOneSound, ownActivity } from '../../../src/audio/features/crosstalk.ts';
import { speechSpans } from '../../../src/audio/features/vad.ts';

const test = suite('crosstalk');

const NOISE = -60;

/** Levels by frame -> what is measured of them: everything 10 dB above the noise is a voice. */
function measured(levels: readonly number[]): MeasuredActivity {
  return {
    nFrames: levels.length,
    loudness: Float32Array.from(levels),
    excess: Float32Array.from(levels, (level) => Math.max(0, level - NOISE - 6)),
    peakedness: Float32Array.from(levels, (level) => (level > NOISE + 10 ? 9 : 1)),
  };
}

/** The sum of two powers, in dB. */
const sum = (a: number, b: number): number => 10 * Math.log10(10 ** (a / 10) + 10 ** (b / 10));

/** Voices as runs of [seconds, level of the left one, level of the right one], each heard in the other's channel. */
function channels(runs: readonly (readonly [number, number, number])[], gain: number): readonly MeasuredActivity[] {
  const frames = runs.flatMap(([seconds, left, right]) =>
    Array.from({ length: 100 * seconds }, (_, i) => [left + Math.sin(i), right + Math.cos(i)] as const),
  );
  return [
    measured(frames.map(([left, right]) => sum(sum(left, right + gain), NOISE))),
    measured(frames.map(([left, right]) => sum(sum(right, left + gain), NOISE))),
  ];
}

const spansOf = (given: readonly MeasuredActivity[]): (readonly (readonly [number, number])[])[] =>
  ownActivity(given).map((own) =>
    speechSpans(own, { padding: 0, minSilence: 0.3 }).map(({ start, end }) => [start / 100, end / 100] as const),
  );

const OFF = -200;

for (const gain of [OFF, -40, -20, -10])
  test(`turns and a part where both speak; ${gain} dB get over`, () => {
    const runs = [
      [1, OFF, OFF],
      [3, -20, OFF],
      [1, OFF, OFF],
      [3, OFF, -22],
      [2, -20, -22],
      [1, -20, OFF],
      [1, OFF, OFF],
    ] as const;
    const [left = [], right = []] = spansOf(channels(runs, gain));
    const near = (
      got: readonly (readonly [number, number])[],
      wanted: readonly (readonly [number, number])[],
    ): void => {
      assert.is(got.length, wanted.length, JSON.stringify({ gain, got, wanted }));
      for (const [i, [start, end]] of wanted.entries()) {
        const [from, to] = got[i] ?? [0, 0];
        assert.ok(Math.abs(from - start) < 0.1 && Math.abs(to - end) < 0.1, JSON.stringify({ gain, got, wanted }));
      }
    };
    near(left, [
      [1, 4],
      [8, 11],
    ]);
    near(right, [[5, 10]]);
  });

test('what gets over is named, and nothing where it is not heard', () => {
  const runs = [
    [2, -20, OFF],
    [2, OFF, -20],
  ] as const;
  const count = (gain: number): number[] =>
    ownActivity(channels(runs, gain)).map(({ crosstalk }) => crosstalk.reduce((n, is) => n + is, 0));
  for (const n of count(-20)) assert.ok(n >= 190 && n <= 225, `${n} frames`);
  assert.equal(count(-60), [0, 0]);
});

test('a party that says nothing does not silence the other', () => {
  for (const gain of [-6, -20, OFF]) {
    const given = channels(
      [
        [1, OFF, OFF],
        [4, -20, OFF],
        [1, OFF, OFF],
      ],
      gain,
    );
    for (const own of [given, [...given].reverse()]) {
      const spans = spansOf(own);
      assert.is(spans.flat().length, 1, `${gain} dB: ${JSON.stringify(spans)}`);
    }
  }
});

test('one sound at nearly one level, not one that is softer in the other channel', () => {
  const runs = [
    [1, OFF, OFF],
    [4, -20, OFF],
  ] as const;
  const [voice] = channels(runs, OFF);
  assert.ok(voice);
  const softer = (decibels: number): MeasuredActivity => measured([...voice.loudness].map((level) => level - decibels));
  assert.is(isOneSound(voice, voice), true);
  assert.is(isOneSound(voice, softer(2)), true);
  assert.is(isOneSound(voice, softer(6)), false);
  const [left, right] = channels([...runs, [4, OFF, -20]], -3);
  assert.ok(left && right);
  assert.is(isOneSound(left, right), false, 'two voices in one room');
  const silence = measured(Array.from({ length: 300 }, () => NOISE));
  assert.is(isOneSound(silence, silence), false, 'nothing at all');
});

test.run();
