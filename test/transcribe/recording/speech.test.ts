/** What is decided on the numbers of the speech detector, given them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SpeechMap } from '../../../src/transcribe/recording/speech.ts';
import { Timeline } from '../../../src/transcribe/recording/timeline.ts';

const test = suite('speech');

/** Runs of [kind, frames]: a voice, another sound (flat, as noise is), nothing. */
function speechOf(...runs: (readonly ['voice' | 'noise' | 'pause', number])[]): SpeechMap {
  const frames = runs.flatMap(([kind, n]) => Array.from({ length: n }, () => kind));
  return new SpeechMap({
    nFrames: frames.length,
    excess: Float32Array.from(frames, (kind) => (kind === 'pause' ? 0 : 20)),
    peakedness: Float32Array.from(frames, (kind) => (kind === 'voice' ? 9 : 1)),
  });
}

test('pauses by their middles, 20 frames at least; long ones have several', () => {
  const speech = speechOf(['voice', 100], ['pause', 30], ['voice', 100], ['pause', 20], ['voice', 50], ['pause', 30]);
  const rows: [start: number, end: number, pauses: [middle: number, length: number][]][] = [
    [
      0,
      330,
      [
        [115, 30],
        [240, 20],
        [315, 30],
      ],
    ],
    [131, 300, [[240, 20]]],
    [0, 119, []],
    [0, 120, [[110, 20]]],
    [111, 230, []],
    [110, 230, [[120, 20]]],
    [150, 200, []],
    [150, 150, []],
  ];
  const pausesOf = (given: SpeechMap, start: number, end: number) =>
    given.pauses({ start, end }).map(({ middle, length }) => [middle, length]);
  for (const [start, end, pauses] of rows) assert.equal(pausesOf(speech, start, end), pauses, `${start}..${end}`);
  assert.equal(pausesOf(speechOf(['pause', 40], ['noise', 30]), 0, 70), [[20, 40]], 'noise is no pause');
  const silence = speechOf(['voice', 10], ['pause', 2000], ['voice', 10]);
  assert.equal(pausesOf(silence, 0, 2020), [
    [510, 2000],
    [1510, 2000],
  ]);
});

test('half a second of speech is a word', () => {
  const speech = speechOf(['pause', 50], ['voice', 30], ['pause', 50], ['voice', 30], ['noise', 40], ['pause', 50]);
  const rows: [start: number, end: number, isSpeech: boolean][] = [
    [0, 130, false],
    [0, 160, true],
    [0, 149, false],
    [0, 150, true],
    [60, 149, false],
    [130, 250, true],
    [160, 250, false],
    [200, 150, false],
  ];
  for (const [start, end, isSpeech] of rows) assert.is(speech.hasSpeech({ start, end }), isSpeech, `${start}..${end}`);
  for (const [start, end, isSpeech] of rows) {
    const last = speech.lastWord({ start, end });
    assert.is(last !== undefined, isSpeech);
    if (last === undefined) continue;
    assert.ok(speech.hasSpeech({ start: last, end }), `from ${last} to ${end}`);
    assert.not.ok(speech.hasSpeech({ start: last + 1, end }), `later than ${last}`);
  }
});

test('spliced, it has the parts of the timeline', () => {
  const speech = speechOf(['noise', 40], ['pause', 20], ['voice', 60], ['pause', 60]);
  const spliced = speech.splice(
    new Timeline([
      { start: 120, end: 180 },
      { start: 0, end: 120 },
    ]),
  );
  assert.equal(spliced.spans({ padding: 0 }), [{ start: 120, end: 180 }]);
  assert.equal(spliced.pauses({ start: 0, end: 180 }), [
    { middle: 30, length: 60 },
    { middle: 110, length: 20 },
  ]);
});

test.run();
