/** What the speech detector measures, against the same formulas over whole arrays. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { N_FRAMES } from '../../../src/audio/constants.ts';
import { type MeasuredActivity, measureActivity } from '../../../src/audio/features/activity.ts';
import { randomStream } from '../../../src/base/random.ts';

const test = suite('activity');

const nMels = 80;

/** Windows of levels that wander, with silence in between: [nFrames, nMels]. */
function wandering(nFrames: number, seed: number) {
  const random = randomStream(seed);
  const values = new Float32Array(nFrames * nMels);
  let level = 0;
  for (let frame = 0; frame < nFrames; frame++) {
    level = Math.max(-0.5, Math.min(1, level + 0.2 * (random() - 0.5)));
    const isSilent = frame % 1700 > 1500;
    for (let m = 0; m < nMels; m++)
      values[frame * nMels + m] = isSilent ? -0.9 : Math.max(-0.9, level + 0.8 * (random() - 0.5));
  }
  const window = async (seek: number, size: number): Promise<Float32Array> => {
    const out = new Float32Array(nMels * N_FRAMES);
    for (let i = 0; i < size; i++)
      for (let m = 0; m < nMels; m++) out[m * N_FRAMES + i] = values[(seek + i) * nMels + m]!;
    return out;
  };
  return { values, mel: { nFrames, window } };
}

function plain(values: Float32Array, nFrames: number): MeasuredActivity {
  const levels = Array.from({ length: 20 }, () => new Float32Array(nFrames));
  const loudness = new Float32Array(nFrames);
  const peakedness = new Float32Array(nFrames);
  for (let t = 0; t < nFrames; t++) {
    const logs = Array.from(values.subarray(t * nMels, (t + 1) * nMels), (value) => value * 4 - 4);
    const powers = logs.map((log) => Math.exp(log * Math.LN10));
    const add = (sum: number, x: number): number => sum + x;
    const bands = levels.map((_, band) => powers.slice(4 * band, 4 * band + 4).reduce(add, 0));
    for (const [band, power] of bands.entries()) levels[band]![t] = 10 * Math.log10(power / 4);
    loudness[t] = 10 * Math.log10(bands.reduce(add, 0) / nMels);
    peakedness[t] =
      10 * Math.log10(powers.slice(5, 55).reduce(add, 0) / 50) - (10 * logs.slice(5, 55).reduce(add, 0)) / 50;
  }
  const loud = Float32Array.from(loudness).sort()[Math.floor(0.95 * (nFrames - 1))]!;
  const excess = new Float32Array(nFrames);
  for (const raw of levels) {
    const at = (t: number): number => raw[Math.min(nFrames - 1, Math.max(0, t))]!;
    const level = Float32Array.from(
      raw,
      (_, t) => (at(t - 2) + 2 * at(t - 1) + 3 * at(t) + 2 * at(t + 1) + at(t + 2)) / 9,
    );
    for (let second = 0; 100 * second < nFrames; second++) {
      const around = level.subarray(Math.max(0, 100 * (second - 8)), 100 * (second + 9));
      const bins = new Array<number>(200).fill(0);
      for (const value of around) bins[Math.floor(value + 140)]!++;
      let [found, below] = [0, 0];
      while (below + bins[found]! < around.length * 0.1) below += bins[found++]!;
      const noise = Math.fround(-140 + found + (around.length * 0.1 - below) / bins[found]!);
      for (let t = 100 * second; t < Math.min(nFrames, 100 * second + 100); t++)
        excess[t]! += Math.min(25, Math.max(0, level[t]! - Math.max(noise, loud - 45))) / 20;
    }
  }
  return { nFrames, excess, peakedness, loudness };
}

for (const nFrames of [0, 1, 2, 3, 5, 99, 100, 101, 799, 900, 901, 1000, 3000, 3001, 9123])
  test(`${nFrames} frames, levels kept or measured twice`, async () => {
    const { values, mel } = wandering(nFrames, nFrames);
    const wanted = plain(values, nFrames);
    if (nFrames >= 900) assert.ok(wanted.excess.some((x) => x > 1));
    assert.equal(await measureActivity(mel), wanted);
    assert.equal(await measureActivity(mel, undefined, 0), wanted);
  });

test.run();
