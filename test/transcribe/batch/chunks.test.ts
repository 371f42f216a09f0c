/** Where recordings are cut into windows. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../../src/base/random.ts';
import { type Chunk, chunksOf } from '../../../src/transcribe/batch/chunks.ts';
import { SpeechMap } from '../../../src/transcribe/recording/speech.ts';

const test = suite('chunks');

/** A voice with pauses: [frames of voice, frames of pause] in turn. */
function speechOf(runs: readonly (readonly [voice: number, pause: number])[]): { speech: SpeechMap; nFrames: number } {
  const nFrames = runs.reduce((n, [voice, pause]) => n + voice + pause, 0);
  const excess = new Float32Array(nFrames);
  let at = 0;
  for (const [voice, pause] of runs) {
    excess.fill(20, at, at + voice);
    at += voice + pause;
  }
  return { speech: new SpeechMap({ nFrames, excess, peakedness: excess.map((value) => value && 9) }), nFrames };
}

function cut(runs: Parameters<typeof speechOf>[0]): Chunk[] {
  const { speech, nFrames } = speechOf(runs);
  const chunks = chunksOf({ start: 0, end: nFrames }, speech);
  let end = 0;
  for (const [i, chunk] of chunks.entries()) {
    assert.is(chunk.start, end, `chunk ${i}`);
    assert.ok(chunk.end > chunk.start && chunk.end - chunk.start <= 3000, `chunk ${i}`);
    end = chunk.end - chunk.overlap;
  }
  assert.is(end, nFrames);
  return chunks;
}

const starts = (chunks: readonly Chunk[]): number[] => chunks.map(({ start }) => start);

test('what fits a window is not cut', () => {
  assert.equal(starts(cut([[2990, 10]])), [0]);
  assert.equal(chunksOf({ start: 5, end: 5 }, speechOf([[10, 0]]).speech), []);
});

test('with as few windows as there can be, in the longest pauses', () => {
  assert.equal(
    starts(
      cut([
        [1500, 100],
        [1000, 30],
        [1000, 0],
      ]),
    ),
    [0, 1550],
  );
  // After the longest pause two more windows would be needed.
  assert.equal(
    starts(
      cut([
        [1500, 100],
        [900, 30],
        [400, 20],
        [2000, 0],
      ]),
    ),
    [0, 2515],
  );
});

test('speech without a pause: chunks overlap', () => {
  const chunks = cut([[7000, 0]]);
  assert.equal(starts(chunks), [0, 2600, 5200]);
  assert.equal(
    chunks.map(({ overlap }) => overlap),
    [400, 400, 0],
  );
});

test('a pause soon after the start does not keep from an overlap', () => {
  const chunks = cut([
    [300, 20],
    [4000, 0],
  ]);
  assert.is(chunks.length, 2);
  assert.is(chunks[0]!.overlap, 400);
});

test('silence of minutes is cut anywhere', () => {
  const chunks = cut([
    [100, 20000],
    [100, 0],
  ]);
  assert.ok(chunks.every(({ overlap }) => overlap === 0));
  assert.ok(chunks.length <= 9, `${chunks.length}`);
});

test('random speech: never more windows than by the last pause in each', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomStream(seed);
    const runs = Array.from(
      { length: 60 },
      () => [20 + Math.floor(random() * 400), 10 + Math.floor(random() * random() * 120)] as const,
    );
    const { speech, nFrames } = speechOf(runs);
    let fewest = 1;
    for (let start = 0; nFrames - start > 3000; fewest++) {
      const last = speech
        .pauses({ start: 0, end: nFrames })
        .filter(({ middle }) => middle > start && middle <= start + 3000);
      start = last.at(-1)!.middle;
    }
    const chunks = cut(runs);
    assert.ok(chunks.length <= fewest + 1, `seed ${seed}: ${chunks.length} of ${fewest}`);
  }
});

test.run();
