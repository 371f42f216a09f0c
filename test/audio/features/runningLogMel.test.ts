/** The spectrogram of samples that come piece by piece against that of the whole recording. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logMel } from '../../../src/audio/features/logMel.ts';
import { RunningLogMel } from '../../../src/audio/features/runningLogMel.ts';
import { AudioError } from '../../../src/base/errors.ts';
import { codeOf, throws } from '../../support/throws.ts';

const test = suite('runningLogMel');

/** Noise and a tone that grows louder, so that the loudest moment is the last. */
function sound(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (0.02 + (0.4 * i) / length) * Math.sin(i / 7) + (0.01 * state) / 2 ** 31;
  });
}

function running(samples: Float32Array, sizes: readonly number[], nMels = 80): RunningLogMel {
  const mel = new RunningLogMel(nMels);
  for (let at = 0, i = 0; at < samples.length; i++) {
    const size = sizes[i % sizes.length]!;
    mel.push(samples.subarray(at, at + size));
    at += size;
  }
  return mel;
}

const same = (a: Float32Array, b: Float32Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

test('at the end all frames are those of the whole recording, number for number', async () => {
  for (const [length, sizes, nMels] of [
    [16000 * 3 + 77, [160], 80],
    [16000 * 3 + 77, [1, 399, 7, 2000], 80],
    [16000 * 2 + 41, [100000], 128],
    [333, [10], 80],
    [16000 + 159, [16000, 159], 80],
  ] as const) {
    const samples = sound(length);
    const whole = await logMel(samples, { nMels });
    const mel = running(samples, sizes, nMels);
    mel.end();
    assert.is(mel.nFrames, whole.nFrames);
    const { nFrames } = whole;
    assert.ok(same(mel.window(0, nFrames), await whole.window(0, nFrames)), `${length} samples in pieces of ${sizes}`);
  }
});

test('before the end the floor is that of the samples so far', async () => {
  const samples = sound(16000 * 4);
  for (const n of [200, 16000, 16000 + 40, 16000 + 41, 50000]) {
    const whole = await logMel(samples.subarray(0, n), { nMels: 80 });
    const mel = running(samples.subarray(0, n), [700]);
    const size = whole.nFrames;
    const [a, b] = [mel.window(0, size), await whole.window(0, size)];
    // The last frame of the whole may be the loudest; here it counts only once the samples after its centre have come.
    const most = a.reduce((d, x, i) => Math.max(d, Math.abs(x - b[i]!)), 0);
    assert.ok(most < 0.05, `${n} samples: ${most}`);
  }
  const loudFirst = samples.slice().reverse();
  const whole = await logMel(loudFirst.subarray(0, 40000), { nMels: 80 });
  const mel = running(loudFirst.subarray(0, 40000), [4000]);
  assert.ok(same(mel.window(100, 150), await whole.window(100, 150)), 'equal when the loudest moment has been');
});

test('frames that are released are not needed for the others', async () => {
  const samples = sound(16000 * 6);
  const whole = await logMel(samples, { nMels: 80 });
  const mel = new RunningLogMel(80);
  let most = 0;
  for (let at = 0; at < samples.length; at += 1600) {
    mel.push(samples.subarray(at, at + 1600));
    mel.forget(mel.nFrames - 100);
    most = Math.max(most, mel.size);
  }
  mel.end();
  assert.is(mel.firstFrame, 500);
  assert.ok(same(mel.window(500, 100), await whole.window(500, 100)));
  assert.ok(most < 80 * 300, `${most} numbers are held`);
  assert.is(await codeOf(() => mel.window(499, 10)), 'internal');
  assert.is(await codeOf(() => mel.window(590, 11)), 'internal');
});

test('without samples there are no frames', () => {
  const mel = new RunningLogMel(80);
  mel.push(new Float32Array(0));
  mel.end();
  assert.is(mel.nFrames, 0);
  assert.ok(mel.window(0, 0).every((x) => x === 0));
});

test('NaN is refused with its time in the stream', async () => {
  const mel = new RunningLogMel(80);
  mel.push(new Float32Array(16000));
  const wrong = new Float32Array(100);
  wrong[50] = Number.NaN;
  await throws(AudioError, 'nonFinite', () => mel.push(wrong), 'Sample 16050, at 1.003 s, is NaN.');
  assert.is(await codeOf(() => new RunningLogMel(0)), 'nMels');
});

test.run();
