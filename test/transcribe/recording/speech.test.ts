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

test('the longest pause, in its middle; of equal ones the last; 20 frames at least', () => {
  const speech = speechOf(['voice', 100], ['pause', 30], ['voice', 100], ['pause', 20], ['voice', 50], ['pause', 30]);
  const rows: [start: number, end: number, middle: number | undefined][] = [
    [0, 300, 115],
    [0, 330, 315],
    [131, 300, 240],
    [0, 119, undefined],
    [0, 120, 110],
    [111, 230, undefined],
    [110, 230, 120],
    [150, 200, undefined],
    [150, 150, undefined],
  ];
  for (const [start, end, middle] of rows) assert.is(speech.pauseIn({ start, end }), middle, `${start}..${end}`);
  assert.is(speechOf(['pause', 40], ['noise', 30]).pauseIn({ start: 0, end: 70 }), 20, 'noise is no pause');
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
  assert.is(spliced.pauseIn({ start: 0, end: 180 }), 30);
});

test.run();
