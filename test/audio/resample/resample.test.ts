import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChannelSamples, PcmFormat, PcmPiece, PcmPieceOf, SampleFormat } from '../../../src/audio/pcm.ts';
import { downMixWeights } from '../../../src/audio/resample/downMix.ts';
import { resampleFilter } from '../../../src/audio/resample/filter.ts';
import type { FastMachines } from '../../../src/audio/resample/filterMachine.ts';
import { f32InJavaScript, MonoResampler } from '../../../src/audio/resample/resample.ts';
import { roundHalfEven } from '../../../src/audio/resample/rounding.ts';
import { fastMachines, prepareFastMachines } from '../../../src/audio/resample/wasmMachine.ts';
import { randomStream } from '../../../src/base/random.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';
import { ffmpegOrSkip, ffmpegSamples } from '../../support/ffmpeg.ts';
import { codeOf } from '../../support/throws.ts';
import { isPcm16, sweep } from '../sounds.ts';

const test = suite('resample');
/** No machine but the plain ones. */
const inJavaScript: FastMachines = {};
// Node's platform: Node 20 has fused multiply-adds behind a flag.
await prepareFastMachines((bytes) => createNodePlatform().compileWasm(bytes));

function resampled<F extends SampleFormat>(
  format: PcmFormat<F>,
  channels: readonly ChannelSamples[F][],
  pieceLength: number,
  fast: FastMachines = fastMachines(),
): number[] {
  const resampler = new MonoResampler(fast);
  const length = channels[0]!.length;
  for (let at = 0; at < length; at += pieceLength) {
    // a slice has the type of the whole
    const slices = channels.map((channel) => channel.slice(at, at + pieceLength) as ChannelSamples[F]);
    const piece: PcmPieceOf<F> = { ...format, channels: slices };
    // and a piece of any one format is one of the union
    resampler.push(piece as PcmPiece);
  }
  return Array.from(resampler.end(), (v) => v * 32768);
}

/** Samples of a format from sounds in [-1, 1]. */
const makers: { readonly [F in SampleFormat]: (sound: Float32Array) => ChannelSamples[F] } = {
  s16: (sound) => Int16Array.from(sound, (v) => Math.round(v * 32767)),
  s32: (sound) => Int32Array.from(sound, (v) => Math.round(v * (2 ** 31 - 1))),
  f32: (sound) => Float32Array.from(sound),
  f64: (sound) => Float64Array.from(sound, (v) => v * 0.9999999),
};

function compareWithFfmpeg<F extends SampleFormat>(
  sampleFormat: F,
  sampleRate: number,
  nChannels: number,
  n: number,
): void {
  const name = `${sampleFormat} ${sampleRate} Hz ${nChannels} channels, ${n} samples`;
  const channels = Array.from({ length: nChannels }, (_, c) => makers[sampleFormat](sweep(n, c + 1)));
  const interleaved = makers[sampleFormat](new Float32Array(n * nChannels));
  for (let i = 0; i < n; i++) for (let c = 0; c < nChannels; c++) interleaved[i * nChannels + c] = channels[c]![i]!;
  const raw = { s16: 's16le', s32: 's32le', f32: 'f32le', f64: 'f64le' }[sampleFormat];
  const input = ['-f', raw, '-ar', `${sampleRate}`, '-ac', `${nChannels}`];
  const expected = ffmpegSamples('-', input, new Uint8Array(interleaved.buffer));
  for (const fast of [fastMachines(), inJavaScript]) {
    const actual = resampled({ sampleFormat, sampleRate, nChannels, channelMask: 0 }, channels, 4099, fast);
    assert.is(actual.length, expected.length, name);
    let unequal = 0;
    for (let i = 0; i < actual.length; i++) if (actual[i] !== expected[i]) unequal++;
    assert.is(unequal, 0, name);
  }
}

test('every sample is the one ffmpeg gives', () => {
  if (!ffmpegOrSkip('resampling against ffmpeg')) return;
  for (const rate of [8000, 11025, 22254, 44100, 48000]) {
    compareWithFfmpeg('s16', rate, 1, 6007);
    compareWithFfmpeg('f32', rate, 2, 6007);
  }
  for (const rate of [16000, 44100]) {
    compareWithFfmpeg('s32', rate, 1, 5003);
    compareWithFfmpeg('s32', rate, 2, 5003);
    compareWithFfmpeg('f64', rate, 1, 5003);
  }
  for (const channels of [3, 4, 5, 6, 7, 8, 16, 24]) compareWithFfmpeg('s16', 16000, channels, 3001);
  for (const channels of [3, 6]) compareWithFfmpeg('f32', 44100, channels, 3001);
});

test('short recordings end as ffmpeg ends them', () => {
  if (!ffmpegOrSkip('short recordings against ffmpeg')) return;
  // 8 kHz: 32 taps, 44.1 kHz: 92 taps; the edges of "enough for one filter" on both.
  for (const n of [1, 21, 22, 32, 33]) compareWithFfmpeg('s16', 8000, 1, n);
  for (const n of [61, 62, 93]) compareWithFfmpeg('f32', 44100, 1, n);
});

test('how the input is cut into pieces does not matter', () => {
  const sound = sweep(3001, 1);
  for (const rate of [8000, 44100, 48000, 22254]) {
    const format = { sampleFormat: 'f32', sampleRate: rate, nChannels: 1, channelMask: 0 } as const;
    const whole = resampled(format, [sound], sound.length);
    for (const piece of [1, 7, 92, 93, 1000])
      assert.equal(resampled(format, [sound], piece), whole, `${rate} Hz by ${piece}`);
  }
});

test('WebAssembly gives the samples that JavaScript gives', () => {
  const { s16, f32 } = fastMachines();
  assert.ok(s16 && f32, 'this machine has both');
  const sound = sweep(30_001, 1);
  // Whole and broken ratios, short and very long filters.
  for (const rate of [1000, 8000, 11025, 16001, 22254, 44100, 44101, 48000, 96000, 767_999, 768_000])
    for (const sampleFormat of ['s16', 'f32'] as const)
      for (const piece of [30_001, 701]) {
        const format = { sampleFormat, sampleRate: rate, nChannels: 1, channelMask: 0 };
        const channels = [makers[sampleFormat](sound)];
        const name = `${sampleFormat} ${rate} Hz in pieces of ${piece}`;
        const [wasm, plain] = [fastMachines(), inJavaScript].map((fast) => resampled(format, channels, piece, fast));
        assert.is(wasm!.length, plain!.length, name);
        assert.is(
          wasm!.findIndex((value, i) => value !== plain![i]),
          -1,
          name,
        );
      }
  // Loud ones: sums of 16 bits go beyond what they are cut to.
  const loud = Int16Array.from({ length: 9000 }, (_, i) => (i % 7 < 3 ? 32767 : -32768));
  const format = { sampleFormat: 's16', sampleRate: 44100, nChannels: 1, channelMask: 0 } as const;
  assert.equal(resampled(format, [loud], 999), resampled(format, [loud], 999, inJavaScript));
});

test('a filter of WebAssembly is as it says, without its sums rounded to 16 bits', () => {
  const noise = randomStream(3);
  const samples = Float32Array.from({ length: 2000 }, () => 2 * noise() - 1);
  // To 16 kHz, and SILK's on the way to 48: one phase, three, four, six and many.
  const filters = [44100, 48000, 32000, 24000].map((rate) => resampleFilter(rate));
  for (const rate of [8000, 12000, 16000]) filters.push(resampleFilter(rate, 48000, 16));
  for (const filter of filters) {
    const [fast, plain] = [fastMachines().f32?.(filter, 2100), f32InJavaScript(filter, 2100)];
    assert.ok(fast);
    for (const machine of [fast, plain]) machine.samples.set(samples);
    const { nTaps, nPhases, step } = filter;
    for (const length of [2000, 1500, nTaps - 1, nTaps, nTaps + 1, nTaps + 8, nTaps + 9, nTaps + 10]) {
      const name = `${nPhases} phases, steps of ${step}, ${length} samples`;
      fast.out.fill(Number.NaN);
      const count = fast.run(length);
      assert.is(count, plain.run(length), name);
      assert.is(fast.taken, plain.taken, name);
      assert.equal(fast.out.slice(0, count), plain.out.slice(0, count), name);
      assert.ok(fast.out.subarray(count).every(Number.isNaN), name);
    }
  }
});

test('more recordings than there are memories for are resampled all the same', () => {
  const format = { sampleFormat: 'f32', sampleRate: 48000, nChannels: 8, channelMask: 0 } as const;
  const sound = sweep(3000, 1);
  const channels = Array.from({ length: 8 }, () => sound);
  const held = Array.from({ length: 60 }, () => {
    const resampler = new MonoResampler(fastMachines());
    resampler.push({ ...format, channels });
    return resampler;
  });
  const expected = resampled(format, channels, 3000, inJavaScript);
  for (const resampler of held)
    assert.equal(
      Array.from(resampler.end(), (v) => v * 32768),
      expected,
    );
});

test('16 kHz mono passes as it is; wider samples are cut or rounded', () => {
  const mono = { sampleRate: 16000, nChannels: 1, channelMask: 0 } as const;
  const s16 = Int16Array.of(-32768, -1, 0, 1, 32767);
  assert.equal(resampled({ ...mono, sampleFormat: 's16' }, [s16], 5), [...s16]);
  const s32 = Int32Array.of(-1, 65535, 65536, -65537, 2147483647);
  assert.equal(resampled({ ...mono, sampleFormat: 's32' }, [s32], 5), [-1, 0, 1, -2, 32767]);
  const f32 = Float32Array.of(0.5 / 32768, 1.5 / 32768, -0.5 / 32768, -1.5 / 32768, 1, -1, 7);
  assert.equal(resampled({ ...mono, sampleFormat: 'f32' }, [f32], 7), [0, 2, -0, -2, 32767, -32768, 32767]);
});

test('half is rounded to even', () => {
  const cases: readonly (readonly [number, number])[] = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [2.4999, 2],
    [32767.5, 32768],
  ];
  for (const [x, expected] of cases)
    assert.is(Math.abs(roundHalfEven(x)) * Math.sign(x), expected === 0 ? Math.sign(x) * 0 : expected);
});

test('a constant stays and the first filter sums to 1', () => {
  for (const rate of [8000, 44100, 48000, 22254]) {
    const { bank, nTaps } = resampleFilter(rate);
    assert.ok(Math.abs(bank.subarray(0, nTaps).reduce((a, b) => a + b, 0) - 1) < 1e-12);
    const format = { sampleFormat: 'f32', sampleRate: rate, nChannels: 1, channelMask: 0 } as const;
    for (const v of resampled(format, [new Float32Array(2000).fill(0.5)], 2000)) assert.ok(Math.abs(v - 16384) <= 1);
  }
});

test('weights of known layouts, refusal of unknown ones', async () => {
  assert.equal(downMixWeights({ nChannels: 1, channelMask: 0 }), [1]);
  assert.equal(downMixWeights({ nChannels: 2, channelMask: 0 }), [0.5, 0.5]);
  assert.equal(downMixWeights({ nChannels: 2, channelMask: 0x60000000 }), [0.5, 0.5]);
  const surround = downMixWeights({ nChannels: 6, channelMask: 0x3f });
  assert.is(surround[3], 0);
  assert.ok(Math.abs(surround.reduce((a, b) => a + b, 0) - 1) < 1e-12);
  for (const [nChannels, channelMask, what] of [
    [9, 0, 'too many'],
    [2, 0x11, 'one of a pair'],
    [2, 0x30, 'none in front'],
  ] as const) {
    assert.is(await codeOf(() => downMixWeights({ nChannels, channelMask })), 'channels', what);
  }
});

test('invalid rates are refused', async () => {
  for (const sampleRate of [0, 999, 768001, 16000.5, Number.NaN]) {
    const format = { sampleFormat: 'f32', sampleRate, nChannels: 1, channelMask: 0 } as const;
    assert.is(await codeOf(() => resampled(format, [new Float32Array(1)], 1)), 'sampleRate');
  }
});

test('a sample that is no number is the least one, as in ffmpeg, and is counted with its time', () => {
  for (const [bad, expected] of [
    [Number.NaN, -32768],
    [Number.POSITIVE_INFINITY, -32768],
    [Number.NEGATIVE_INFINITY, -32768],
    [65536, -32768],
    [65535, 32767],
    [-65536, -32768],
  ] as const) {
    const sound = new Float32Array(9000).fill(0.25);
    sound[4500] = bad;
    const resampler = new MonoResampler();
    resampler.push({ sampleFormat: 'f32', sampleRate: 16000, nChannels: 1, channelMask: 0, channels: [sound] });
    const samples = Array.from(resampler.end(), (v) => v * 32768);
    assert.equal([samples[4499], samples[4500], samples[4501]], [8192, expected, 8192], `${bad}`);
    assert.equal(resampler.nonFinite, Number.isFinite(bad) ? undefined : { seconds: 0.28125, count: 1 }, `${bad}`);
  }
  // Those of `ffmpeg -f f64le`, whose conversion of doubles is another one.
  const doubles = [65536, 65535.9, 131072, 131073, -65537, 1e9, 2 ** 48, 1e20, Number.NaN, Number.NEGATIVE_INFINITY];
  const resampler64 = new MonoResampler();
  const channels = [Float64Array.from(doubles)];
  resampler64.push({ sampleFormat: 'f64', sampleRate: 16000, nChannels: 1, channelMask: 0, channels });
  assert.equal(
    Array.from(resampler64.end(), (v) => v * 32768),
    [-32768, 32767, 0, 32767, 32767, 32767, 0, 0, 0, 0],
  );
  const stereo = [
    new Float32Array(9000).fill(Number.NaN, 3000, 3010),
    new Float32Array(9000).fill(Infinity, 8000, 8001),
  ];
  const resampler = new MonoResampler();
  for (const _ of [1, 2]) {
    resampler.push({ sampleFormat: 'f32', sampleRate: 48000, nChannels: 2, channelMask: 0, channels: stereo });
  }
  assert.equal(resampler.nonFinite, { seconds: 3000 / 48000, count: 22 });
  assert.ok(isPcm16(resampler.end()));
});

test.run();
