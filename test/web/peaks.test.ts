/** Peaks of a waveform: bounded, and the same however the recording is cut. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PeaksBuilder } from '../../web/page/editor/peaks.ts';

const test = suite('peaks');

/** Every sample at its own height, which tells where it went: [n]. */
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => (i % 2 ? 1 : -1) * (i / n));

function peaksOf(samples: Float32Array, piece: number, bound: number): ReturnType<PeaksBuilder['peaks']> {
  const builder = new PeaksBuilder(16_000, bound);
  for (let at = 0; at < samples.length; at += piece) builder.push(samples.subarray(at, at + piece));
  return builder.peaks();
}

test('a peak is the largest magnitude of its 160 samples, the last of what there is', () => {
  const { values, duration } = peaksOf(ramp(400), 400, 8);
  assert.equal(values, Float32Array.from([159 / 400, 319 / 400, 399 / 400]));
  assert.is(duration, 400 / 16_000);
});

test('the cut of the pieces does not matter, and the bound holds', () => {
  const samples = ramp(160 * 37 + 11);
  const whole = peaksOf(samples, samples.length, 8);
  assert.ok(whole.values.length <= 8 && whole.values.length >= 4);
  for (const piece of [1, 7, 160, 161, 1000]) assert.equal(peaksOf(samples, piece, 8), whole);
  // Eight times 160 samples a peak.
  assert.equal(whole.values.slice(0, 2), Float32Array.from([1279 / samples.length, 2559 / samples.length]));
  assert.is(whole.values.at(-1), Math.fround((samples.length - 1) / samples.length));
});

test('peaks may be asked for meanwhile, and nothing is no peak', () => {
  const builder = new PeaksBuilder(16_000, 4);
  assert.equal(builder.peaks(), { values: new Float32Array(0), duration: 0 });
  builder.push(Float32Array.of(0.25, -0.5));
  assert.equal(builder.peaks().values, Float32Array.of(0.5));
  builder.push(Float32Array.of(0.75));
  assert.equal(builder.peaks().values, Float32Array.of(0.75));
});

test('beyond 1 is 1, and NaN leaves no mark', () => {
  assert.equal(peaksOf(Float32Array.of(Number.NaN, 0.25), 2, 4).values, Float32Array.of(0.25));
  assert.equal(peaksOf(Float32Array.of(-3, 0.25), 2, 4).values, Float32Array.of(1));
  assert.throws(() => new PeaksBuilder(16_000, 3), RangeError);
});

test('ten hours stay within the bound', () => {
  const builder = new PeaksBuilder(16_000, 1024);
  const minute = new Float32Array(60 * 16_000).fill(0.5);
  for (let i = 0; i < 600; i++) builder.push(minute);
  const { values, duration } = builder.peaks();
  assert.is(duration, 36_000);
  assert.ok(values.length <= 1024 && values.every((value) => value === 0.5));
});

test.run();
