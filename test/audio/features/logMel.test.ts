import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { N_FFT, N_FRAMES } from '../../../src/audio/constants.ts';
import { createPowerSpectrum } from '../../../src/audio/features/dft.ts';
import type { Scratch } from '../../../src/audio/features/frameStore.ts';
import { logMel } from '../../../src/audio/features/logMel.ts';
import { melFilters } from '../../../src/audio/features/melFilters.ts';
import { concat } from '../../../src/base/bytes.ts';
import { AudioError } from '../../../src/base/errors.ts';
import type { CallOptions, Progress } from '../../../src/base/progress.ts';
import { createBluesteinPowerSpectrum } from '../../support/dftBluestein.ts';
import { sharedOrSkip } from '../../support/paths.ts';
import { readReferenceTensors } from '../../support/referenceTensors.ts';
import { codeOf, reasonOf, throws } from '../../support/throws.ts';
import { noise } from '../sounds.ts';

const test = suite('logMel');

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.is(a.length, b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference; // a NaN stays
  }
  return largest;
}

const cosines = Float64Array.from({ length: N_FFT }, (_, i) => Math.cos((2 * Math.PI * i) / N_FFT));
const sines = Float64Array.from({ length: N_FFT }, (_, i) => Math.sin((2 * Math.PI * i) / N_FFT));

/** The definition, summed as it is written. */
function naivePower(frame: Float64Array): Float64Array {
  const power = new Float64Array(201);
  for (let k = 0; k <= 200; k++) {
    let re = 0;
    let im = 0;
    for (let n = 0; n < N_FFT; n++) {
      re += frame[n]! * cosines[(n * k) % N_FFT]!;
      im -= frame[n]! * sines[(n * k) % N_FFT]!;
    }
    power[k] = re * re + im * im;
  }
  return power;
}

test('the two transforms and the definition agree to 1e-13 of the largest bin', () => {
  const fast = createPowerSpectrum();
  const slow = createBluesteinPowerSpectrum();
  const impulse = (at: number): Float64Array => new Float64Array(N_FFT).fill(1, at, at + 1);
  const frames = [
    Float64Array.from(noise(N_FFT, 1)),
    Float64Array.from(noise(N_FFT, 2)),
    impulse(0),
    impulse(1),
    impulse(399),
    new Float64Array(N_FFT).fill(1),
    Float64Array.from({ length: N_FFT }, (_, n) => Math.sin((2 * Math.PI * 37 * n) / N_FFT)),
    Float64Array.from({ length: N_FFT }, (_, n) => (n % 2 === 0 ? 1 : -1)),
  ];
  for (const frame of frames) {
    const expected = naivePower(frame);
    const scale = Math.max(...expected);
    for (const transform of [fast, slow]) {
      const power = new Float64Array(201).fill(Number.NaN);
      transform(frame, power);
      assert.ok(largestDifference(power, expected) <= 1e-13 * scale);
    }
  }
});

test('filters are unit-area triangles that cover the spectrum', () => {
  for (const nMels of [80, 128]) {
    const { first, offset, weights } = melFilters(nMels);
    assert.is(first.length, nMels);
    assert.is(offset[nMels], weights.length);
    for (const weight of weights) assert.ok(weight > 0 && weight < 0.05);
    // Values of openai/whisper's assets/mel_filters.npz: row 0 and the peak of the last row.
    if (nMels === 80) assert.is(weights[0]!.toFixed(6), '0.024863');
    for (let m = 1; m < nMels; m++) assert.ok(first[m]! >= first[m - 1]!);
  }
});

test('JFK agrees with openai/whisper within 1e-4', async () => {
  const shared = sharedOrSkip('log-mel of JFK against openai/whisper');
  if (!shared) return;
  const { pcm, log_mel: reference } = readReferenceTensors(join(shared, 'reference/tiny-jfk.safetensors'));
  assert.ok(pcm instanceof Int16Array && reference instanceof Float32Array);
  const mel = await logMel(
    Float32Array.from(pcm, (v) => v / 32768),
    { nMels: 80 },
  );
  assert.is(mel.nFrames, Math.floor(pcm.length / 160));
  const difference = largestDifference(await mel.detectionWindow(), reference);
  console.log(`log-mel of JFK: largest difference ${difference.toExponential(2)}`);
  assert.ok(difference < 1e-4);
  // The decoded window is the same within the recording, then 0.0.
  const window = await mel.window(0, mel.nFrames);
  for (let m = 0; m < 80; m++) {
    const row = window.subarray(m * N_FRAMES, (m + 1) * N_FRAMES);
    assert.ok(
      largestDifference(row.subarray(0, mel.nFrames), reference.subarray(m * 3000, m * 3000 + mel.nFrames)) < 1e-4,
    );
    assert.ok(row.subarray(mel.nFrames).every((v) => v === 0));
  }
});

test('silence is -1.5 everywhere, and an empty recording has no frame', async () => {
  for (const length of [0, 1, 159, 160, 48000]) {
    const mel = await logMel(new Float32Array(length), { nMels: 80 });
    assert.is(mel.nFrames, Math.floor(length / 160));
    assert.ok((await mel.detectionWindow()).every((v) => v === -1.5));
    const window = await mel.window(0, mel.nFrames);
    for (let i = 0; i < N_FRAMES; i++) assert.is(window[i], i < mel.nFrames ? -1.5 : 0);
  }
});

test('short recordings are mirrored at the start as if silence followed them', async () => {
  const short = noise(120, 3);
  const padded = new Float32Array(4000);
  padded.set(short);
  const a = await logMel(short, { nMels: 80 });
  const b = await logMel(padded, { nMels: 80 });
  assert.equal(await a.detectionWindow(), await b.detectionWindow());
  assert.is(a.nFrames, 0);
});

test('every frame is the plain formula, and the floor is that of the whole recording', async () => {
  const samples = noise(160 * 300 + 77, 4).map((v) => v * 1e-4);
  samples[160 * 250] = 1; // one loud click late in the recording raises the floor of every window
  const mel = await logMel(samples, { nMels: 128 });
  const filters = melFilters(128);
  const hann = Float64Array.from({ length: 400 }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 400));
  const rows: Float64Array[] = [];
  for (let t = 0; t < 303; t++) {
    const frame = hann.map((w, i) => w * (samples[Math.abs(t * 160 - 200 + i)] ?? 0));
    const power = naivePower(frame);
    rows.push(
      Float64Array.from({ length: 128 }, (_, m) => {
        let sum = 0;
        for (let i = filters.offset[m]!; i < filters.offset[m + 1]!; i++) {
          sum += filters.weights[i]! * power[filters.first[m]! + i - filters.offset[m]!]!;
        }
        return Math.log10(Math.max(sum, 1e-10));
      }),
    );
  }
  const peak = Math.max(...rows.map((row) => Math.max(...row)));
  const detection = await mel.detectionWindow();
  for (let t = 0; t < 303; t++) {
    for (let m = 0; m < 128; m++) {
      const expected = (Math.max(rows[t]![m]!, peak - 8) + 4) / 4;
      assert.ok(Math.abs(detection[m * 3000 + t]! - expected) < 1e-6, `frame ${t}, mel ${m}`);
    }
  }
  const window = await mel.window(100, 50);
  for (let i = 0; i < 50; i++) assert.is(window[i], detection[100 + i]);
  assert.is(window[50], 0);
  const shorter = await logMel(samples.subarray(0, 160 * 200), { nMels: 128 });
  assert.not.equal(await shorter.window(0, 1), await mel.window(0, 1));
});

test('a full-scale sine peaks in its own filter', async () => {
  const samples = Float32Array.from({ length: 16000 }, (_, i) => Math.sin((2 * Math.PI * 1000 * i) / 16000));
  const window = await (await logMel(samples, { nMels: 80 })).window(50, 1);
  let best = 0;
  for (let m = 1; m < 80; m++) if (window[m * 3000]! > window[best * 3000]!) best = m;
  const { first, offset } = melFilters(80);
  assert.ok(first[best]! <= 25 && first[best]! + offset[best + 1]! - offset[best]! > 25); // 1000 Hz is bin 25
});

test('long input reports progress and can be stopped', async () => {
  const samples = noise(16000 * 65, 5);
  const seen: number[] = [];
  await logMel(samples, { nMels: 80, onProgress: (p) => seen.push(p.done) });
  assert.equal(seen, [30, 60, 65]);
  const controller = new AbortController();
  const options = { nMels: 80, signal: controller.signal, onProgress: () => controller.abort() };
  assert.is(await reasonOf(() => logMel(samples, options)), controller.signal.reason);
});

test('NaN and infinities are refused with their time, windows outside of the recording too', async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const samples = new Float32Array(16000);
    samples[8000] = bad;
    await throws(AudioError, 'nonFinite', () => logMel(samples, { nMels: 80 }), '0.500 s');
  }
  const mel = await logMel(new Float32Array(1600), { nMels: 80 });
  assert.is(await codeOf(() => mel.window(0, 3001)), 'windowRange');
  assert.is(await codeOf(() => mel.window(11, 3000)), 'windowRange');
  assert.is(await codeOf(() => logMel(new Float32Array(1), { nMels: 0 })), 'nMels');
});

/** Reads `samples` in uneven pieces. `reads` is how often it was begun, `open` how many readings have not ended. */
function pieces(samples: Float32Array, known = false) {
  const watched = {
    reads: 0,
    open: 0,
    given: 0,
    ...(known && { nSamples: samples.length }),
    async *read({ onProgress }: CallOptions = {}) {
      watched.reads++;
      watched.open++;
      try {
        for (let at = 0, i = 0; at < samples.length; i++) {
          const size = [1, 4000, 777, 160, 50_000][i % 5]!;
          watched.given = Math.min(at + size, samples.length);
          onProgress?.({ stage: 'audio', done: watched.given, total: samples.length, unit: 'bytes' });
          yield samples.subarray(at, at + size);
          at += size;
        }
      } finally {
        watched.open--;
      }
    },
  };
  return watched;
}

/** What 3000 frames, and not one more, take. */
const keepBytes = 3000 * 80 * 4;

test('a recording that is not kept gives the same windows, in any order, and is read again only to go back', async () => {
  const samples = noise(160 * 9000 + 123, 6).map((v, i) => v * Math.min(1, 1e-4 + i / 1e6));
  const whole = await logMel(samples, { nMels: 80 });
  const sound = pieces(samples);
  const mel = await logMel(sound, { nMels: 80, keepBytes });
  assert.is(mel.nFrames, whole.nFrames);
  assert.is(sound.reads, 1);
  const places = [
    [0, 3000, 2],
    [0, 100, 2],
    [2500, 3000, 2],
    [2600, 10, 2],
    [8999, 1, 2],
    [8990, 3000, 2],
    [9100, 2900, 2],
    [9000, 0, 2],
    [100, 200, 3],
    [6000, 3000, 3],
    [0, 1, 4],
  ] as const;
  for (const [seek, size, reads] of places) {
    assert.equal(await mel.window(seek, size), await whole.window(seek, size), `window ${seek}, ${size}`);
    assert.is(sound.reads, reads, `reads up to window ${seek}, ${size}`);
  }
  assert.equal(await mel.detectionWindow(), await whole.detectionWindow());
  const [a, b] = await Promise.all([mel.window(8000, 900), mel.window(1000, 900)]);
  assert.equal([a, b], [await whole.window(8000, 900), await whole.window(1000, 900)], 'windows at once');
  assert.is(sound.open, 1);
  await mel.close();
  assert.is(sound.open, 0);
  assert.equal(await mel.window(3, 5), await whole.window(3, 5), 'closed, it begins anew');
  await mel.close();
});

/** A temporary file, with room for `room` bytes. */
function temporary(room = Number.POSITIVE_INFINITY) {
  const watched = { open: 0, written: 0 };
  const scratch = async (): Promise<Scratch> => {
    watched.open++;
    let bytes: Uint8Array = new Uint8Array(0);
    return {
      async write(more) {
        if (bytes.length + more.length > room) throw new Error('ENOSPC');
        bytes = concat(Uint8Array, [bytes, more]);
        watched.written += more.length;
      },
      read: async (begin, end) => bytes.slice(begin, end),
      async remove() {
        watched.open--;
      },
    };
  };
  return { scratch, watched };
}

test('with a temporary file a long recording is read once, and without room in it again', async () => {
  const samples = noise(160 * 9000 + 123, 6).map((v, i) => v * Math.min(1, 1e-4 + i / 1e6));
  const whole = await logMel(samples, { nMels: 80 });
  for (const [room, reads] of [
    [Number.POSITIVE_INFINITY, 1],
    [9003 * 320, 1],
    [9003 * 320 - 1, 4],
    [0, 4],
  ] as const) {
    const sound = pieces(samples);
    const { scratch, watched } = temporary(room);
    const mel = await logMel(sound, { nMels: 80, keepBytes, scratch });
    for (const [seek, size] of [
      [0, 3000],
      [8990, 3000],
      [2500, 3000],
    ] as const)
      assert.equal(await mel.window(seek, size), await whole.window(seek, size), `room ${room}, window ${seek}`);
    assert.equal(await mel.detectionWindow(), await whole.detectionWindow());
    assert.is(sound.reads, reads, `room ${room}`);
    assert.is(watched.open, reads === 1 ? 1 : 0);
    await mel.close();
    assert.is(watched.open, 0);
  }
  const refused = pieces(samples);
  const noFile = await logMel(refused, { nMels: 80, keepBytes, scratch: () => Promise.reject(new Error('EACCES')) });
  assert.equal(await noFile.window(5000, 3000), await whole.window(5000, 3000));
  await noFile.close();
  const { scratch, watched } = temporary();
  await (await logMel(samples.subarray(0, 160 * 2900), { nMels: 80, keepBytes, scratch })).close();
  assert.is(watched.written, 0, 'a short one needs none');
  const controller = new AbortController();
  const onProgress = ({ done }: Progress): void => {
    if (done > 60) controller.abort(new Error('enough'));
  };
  const { signal } = controller;
  const work = logMel(pieces(samples), { nMels: 80, keepBytes, scratch, signal, onProgress });
  assert.is(String(await reasonOf(work)), 'Error: enough');
  assert.ok(watched.written > 0);
  assert.is(watched.open, 0, 'removed at an abort');
});

test('a window reads no further than it must, and silence after the end nothing', async () => {
  const sound = pieces(noise(160 * 9000, 7));
  const mel = await logMel(sound, { nMels: 80, keepBytes });
  await mel.window(9100, 2900);
  assert.is(sound.reads, 1);
  await mel.window(1000, 500);
  assert.ok(sound.given < 160 * 1500 + 60_000, `${sound.given} samples`);
  await mel.close();
});

test('a recording that is kept is read once', async () => {
  const sound = pieces(noise(160 * 2990, 8));
  const mel = await logMel(sound, { nMels: 80, keepBytes });
  await mel.window(2000, 500);
  await mel.window(0, 500);
  assert.equal([sound.reads, sound.open], [1, 0]);
});

test('a recording that is shorter when it is read again has changed; an abort stops the second reading', async () => {
  const samples = noise(160 * 9000, 9);
  const sound = pieces(samples);
  const controller = new AbortController();
  const mel = await logMel(sound, { nMels: 80, keepBytes, signal: controller.signal });
  const { read } = sound;
  sound.read = (options) => (sound.reads === 1 ? pieces(samples.subarray(0, 160 * 5000)).read() : read(options));
  await throws(AudioError, 'changed', () => mel.window(6000, 100), '50.000 s');
  sound.read = read;
  assert.equal(await mel.window(6000, 10), await (await logMel(samples, { nMels: 80 })).window(6000, 10));
  controller.abort();
  assert.is(await reasonOf(() => mel.window(8000, 10)), controller.signal.reason);
  await mel.close();
  assert.is(sound.open, 0);
});

test('progress is in seconds, of a length that is known or follows from the share read', async () => {
  for (const known of [true, false]) {
    const seen: (readonly [number, number])[] = [];
    const onProgress = ({ done, total }: Progress): void => void seen.push([done, total]);
    await logMel(pieces(noise(16000 * 100, 10), known), { nMels: 80, onProgress });
    assert.is(seen.length, 4);
    for (const [i, [done, total]] of seen.entries()) {
      assert.ok(done >= Math.min(100, 30 * (i + 1)) && done < 30 * (i + 1) + 5, `${done} s`);
      assert.ok(Math.abs(total - 100) < (known ? 1e-9 : 5), `of ${total} s`);
    }
    assert.equal(seen.at(-1), [100, 100]);
  }
});

test.run();
