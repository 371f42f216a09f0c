import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MpegAudioDecoder } from '../../../../src/audio/codecs/mpeg/mpegAudioDecoder.ts';
import { mpegFrameAt } from '../../../../src/audio/containers/mpegFrame.ts';
import { randomStream } from '../../../../src/base/random.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../../../support/ffmpeg.ts';
import { noise, sweep } from '../../sounds.ts';
import { type FrameSpec, randomFrame, writeHeader } from './randomFrames.ts';

const test = suite('mpegAudioDecoder');

/** The frames of a stream that begins with one and has nothing between them. */
function framesOf(stream: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const header = mpegFrameAt(stream, at);
    assert.ok(header, `no frame at byte ${at}`);
    frames.push(stream.subarray(at, at + header.nBytes));
    at += header.nBytes;
  }
  return frames;
}

/** All samples, channels interleaved as ffmpeg gives them. */
function decoded(frames: readonly Uint8Array[]): Float32Array {
  const decoder = new MpegAudioDecoder();
  const samples: number[] = [];
  for (const frame of frames) {
    const channels = decoder.decode(frame) ?? [];
    for (let i = 0; i < (channels[0]?.length ?? 0); i++) for (const channel of channels) samples.push(channel[i]!);
  }
  return Float32Array.from(samples);
}

/** ffmpeg's samples of a stream; `mp1float` and `mp2float` are those of its decoders that do not round to 16 bits. */
function ffmpegDecoded(stream: Uint8Array, codec: string): Float32Array {
  const args = ['-v', 'quiet', '-f', 'mp3', '-c:a', codec, '-i', '-', '-f', 'f32le', '-'];
  const run = spawnSync('ffmpeg', args, { input: stream, maxBuffer: 2 ** 30 });
  assert.is(run.status, 0);
  return new Float32Array(new Uint8Array(run.stdout).buffer);
}

/** ffmpeg 7 and later may have the standard's bands at 24 kHz, of which ours differ on purpose (`scaleFactorBands.ts`). */
function hasOurBands(rateIndex: number): boolean {
  if (rateIndex !== 4) return true;
  const version = /ffmpeg version n?(\d+)/.exec(spawnSync('ffmpeg', ['-version']).stdout.toString());
  return version !== null && Number(version[1]) < 7;
}

function largest(values: Float32Array): number {
  return values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
}

/**
 * ffmpeg computes in f32. Its butterflies multiply by up to 10 * 5 * 2.6 and add up again, so it is off by some 2 ** -24 * 130
 * of the largest value, and values above 14 are rounded to 2 ** -28.
 */
function assertNear(ours: Float32Array, theirs: Float32Array, what: string): void {
  assert.is(ours.length, theirs.length, what);
  const tolerance = 1e-5 * largest(theirs) + 2 ** -23;
  const worst = largest(ours.map((value, i) => value - theirs[i]!));
  assert.ok(worst <= tolerance, `${what}: off by ${worst}, largest ${largest(theirs)}`);
}

function randomFrames(spec: FrameSpec, n: number, seed: number): Uint8Array[] {
  const random = randomStream(seed);
  const nBytes = mpegFrameAt(writeHeader(spec), 0)!.nBytes;
  const blockTypes: [number, number] = [0, 0];
  return Array.from({ length: n }, () => randomFrame(spec, nBytes, random, blockTypes));
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((frame) => [...frame]));
}

test('headers', () => {
  const header = (...bytes: number[]): unknown => mpegFrameAt(Uint8Array.from(bytes), 0);
  assert.equal(header(0xff, 0xfa, 0x92, 0x64), {
    version: 1,
    layer: 3,
    sampleRate: 44100,
    rateIndex: 0,
    nChannels: 2,
    isJointStereo: true,
    modeExtension: 2,
    hasChecksum: true,
    bitRate: 128,
    nSamples: 1152,
    nBytes: 418,
  });
  const brief = (...bytes: number[]): unknown[] => {
    const h = mpegFrameAt(Uint8Array.from(bytes), 0);
    return h ? [h.version, h.layer, h.sampleRate, h.nChannels, h.bitRate, h.nBytes, h.nSamples] : [];
  };
  assert.equal(brief(0xff, 0xe3, 0x18, 0xc0), [2.5, 3, 8000, 1, 8, 72, 576]);
  assert.equal(brief(0xff, 0xf3, 0x44, 0xc0), [2, 3, 24000, 1, 32, 96, 576]);
  assert.equal(brief(0xff, 0xf5, 0xe8, 0x00), [2, 2, 16000, 2, 160, 1440, 1152]);
  assert.equal(brief(0xff, 0xff, 0xea, 0x00), [1, 1, 32000, 2, 448, 676, 384]);
  for (const bytes of [
    [0xfe, 0xfb, 0x90, 0x00],
    [0xff, 0xdb, 0x90, 0x00],
    [0xff, 0xeb, 0x90, 0x00], // version
    [0xff, 0xf9, 0x90, 0x00], // layer
    [0xff, 0xfb, 0xf0, 0x00], // bit rate
    [0xff, 0xfb, 0x00, 0x00], // free format
    [0xff, 0xfb, 0x9c, 0x00], // sample rate
    [0xff, 0xfb, 0x90],
  ]) {
    assert.is(header(...bytes), undefined, bytes.join());
  }
});

test('random layer III frames sound as ffmpeg decodes them: rates, modes and kinds of blocks', () => {
  if (!ffmpegOrSkip('layer III against ffmpeg')) return;
  let seed = 0;
  for (const version of [1, 2, 2.5] as const) {
    for (const rate of [0, 1, 2]) {
      for (const [mode, modeExtension] of [
        [3, 0],
        [0, 0],
        [1, 0],
        [1, 1],
        [1, 2],
        [1, 3],
      ] as const) {
        seed++;
        // Each of the nine rates with two of the six, each of these at three rates.
        if ((seed + Math.floor((seed - 1) / 6)) % 3 !== 0) continue;
        const spec: FrameSpec = {
          version,
          layer: 3,
          rate,
          bitRate: 9,
          mode,
          modeExtension,
          hasChecksum: seed % 4 === 1,
        };
        const frames = randomFrames(spec, 12, seed);
        if (!hasOurBands(mpegFrameAt(frames[0]!, 0)!.rateIndex)) continue;
        const what = `MPEG-${version}, rate ${rate}, mode ${mode}.${modeExtension}, seed ${seed}`;
        assertNear(decoded(frames), ffmpegDecoded(joined(frames), 'mp3float'), what);
      }
    }
  }
});

test('random layer I frames sound as ffmpeg decodes them', () => {
  if (!ffmpegOrSkip('layer I against ffmpeg')) return;
  let seed = 100;
  for (const version of [1, 2] as const) {
    for (const mode of [0, 1, 1, 1, 1, 3]) {
      seed++;
      const spec: FrameSpec = { version, layer: 1, rate: seed % 3, bitRate: 13, mode, modeExtension: seed % 4 };
      const frames = randomFrames(spec, 16, seed);
      assertNear(
        decoded(frames),
        ffmpegDecoded(joined(frames), 'mp1float'),
        `MPEG-${version}, mode ${mode}, seed ${seed}`,
      );
    }
  }
});

/** A voice-like mixture in one or two channels, interleaved. */
function sound(n: number, nChannels: number): Float32Array<ArrayBuffer> {
  const parts = [sweep(n, 1), sweep(n, 2), noise(n, 3), noise(n, 4)];
  const out = new Float32Array(n * nChannels);
  for (let i = 0; i < n; i++) {
    const loud = i % 9000 < 3000 ? 0.05 : 0.4;
    for (let c = 0; c < nChannels; c++) out[i * nChannels + c] = loud * parts[c]![i]! + 0.2 * loud * parts[2 + c]![i]!;
  }
  return out;
}

test('what encoders write sounds as ffmpeg decodes it', () => {
  if (!ffmpegOrSkip('encoded MPEG audio against ffmpeg')) return;
  const cases: [name: string, codec: string, rate: number, nChannels: number, output: string[]][] = [];
  for (const rate of [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000]) {
    cases.push([`mp3 ${rate} mono`, 'mp3float', rate, 1, ['-b:a', rate < 16000 ? '16k' : '40k']]);
    if (rate % 16000 === 0 || rate === 44100) cases.push([`mp3 ${rate} stereo`, 'mp3float', rate, 2, ['-q:a', '5']]);
  }
  cases.push(['mp3 without joint stereo', 'mp3float', 44100, 2, ['-b:a', '96k', '-joint_stereo', '0']]);
  for (const [rate, nChannels, kbps] of [
    [16000, 1, 24],
    [24000, 2, 128],
    [32000, 1, 32],
    [44100, 2, 96],
    [44100, 2, 192],
    [44100, 2, 384],
    [48000, 1, 64],
    [48000, 2, 256],
  ] as const) {
    cases.push([`mp2 ${rate} ${nChannels} ${kbps}`, 'mp2float', rate, nChannels, ['-c:a', 'mp2', '-b:a', `${kbps}k`]]);
  }
  for (const [name, codec, rate, nChannels, output] of cases) {
    const plain = codec === 'mp2float' ? ['-f', 'mp2'] : ['-f', 'mp3', '-write_xing', '0', '-id3v2_version', '0'];
    const stream = ffmpegEncode(sound(2 * rate, nChannels), rate, nChannels, [...output, ...plain]);
    const frames = framesOf(stream);
    if (!hasOurBands(mpegFrameAt(stream, 0)!.rateIndex)) continue;
    const theirs = ffmpegDecoded(stream, codec);
    assert.ok(largest(theirs) > 0.05, name);
    assertNear(decoded(frames), theirs, name);
  }
});

test('layers I and II in 16 bits are the bits of ffmpeg', () => {
  if (!ffmpegOrSkip('layers I and II against ffmpeg, in 16 bits')) return;
  const streams: [name: string, codec: string, stream: Uint8Array][] = [
    ['layer I', 'mp1', joined(randomFrames({ version: 1, layer: 1, rate: 0, bitRate: 13, mode: 1 }, 30, 21))],
    ['layer I, mono', 'mp1', joined(randomFrames({ version: 2, layer: 1, rate: 1, bitRate: 13, mode: 3 }, 30, 22))],
  ];
  for (const nChannels of [1, 2]) {
    const output = ['-c:a', 'mp2', '-b:a', '128k', '-f', 'mp2'];
    const stream = ffmpegEncode(sound(2 * 44100, nChannels), 44100, nChannels, output);
    streams.push([`layer II, ${nChannels} channels`, 'mp2', stream]);
  }
  for (const [name, codec, stream] of streams) {
    const decoder = new MpegAudioDecoder();
    const theirs = ffmpegDecoded(stream, codec).map((value) => value * 32768);
    let at = 0;
    for (const frame of framesOf(stream)) {
      const channels = decoder.decode16(frame)!;
      for (let i = 0; i < channels[0]!.length; i++) {
        for (const channel of channels) assert.is(channel[i], theirs[at++], `${name}, value ${at - 1}`);
      }
    }
    assert.is(at, theirs.length, name);
  }
});

test('damaged main data and side information sound as in ffmpeg, and frames that it drops are none', () => {
  if (!ffmpegOrSkip('damaged MP3 against ffmpeg')) return;
  const output = ['-b:a', '64k', '-f', 'mp3', '-write_xing', '0', '-id3v2_version', '0'];
  const stream = ffmpegEncode(sound(2 * 44100, 2), 44100, 2, output);
  for (let seed = 1; seed <= 6; seed++) {
    const random = randomStream(seed);
    const frames = framesOf(stream.slice());
    for (let k = 0; k < 4; k++) {
      const frame = frames[4 + Math.floor(random() * (frames.length - 8))]!;
      frame[4 + Math.floor(random() * (k < 2 ? 32 : frame.length - 4))]! ^= 1 << Math.floor(random() * 8);
    }
    const clipped = (samples: Float32Array): Float32Array => samples.map((v) => Math.max(-1, Math.min(1, v)));
    const theirs = clipped(ffmpegDecoded(joined(frames), 'mp3float'));
    assertNear(clipped(decoded(frames)), theirs, `seed ${seed}`);
  }
});

test('a stream that begins in the middle is silent until its reservoir is there, then equal', () => {
  if (!ffmpegOrSkip('the bit reservoir')) return;
  const output = ['-b:a', '32k', '-f', 'mp3', '-write_xing', '0', '-id3v2_version', '0'];
  const frames = framesOf(ffmpegEncode(sound(2 * 16000, 1), 16000, 1, output));
  const whole = decoded(frames);
  let nLate = 0;
  for (let first = 1; first < 12; first++) {
    const part = decoded(frames.slice(first));
    assert.is(part.length, whole.length - 576 * first);
    const isEqual = part.subarray(576 * 8).every((value, i) => value === whole[576 * (first + 8) + i]);
    assert.ok(isEqual, `from frame ${first}`);
    if (part.subarray(0, 576).every((value) => value === 0)) nLate++;
  }
  assert.ok(nLate > 0, 'no frame began before the part');
});

test('any bytes behind a header give numbers or nothing, in bounded time and memory', () => {
  const random = randomStream(11);
  const decoder = new MpegAudioDecoder();
  let nNone = 0;
  for (let i = 0; i < 3000; i++) {
    const spec: FrameSpec = {
      version: ([1, 2, 2.5] as const)[Math.floor(random() * 3)]!,
      layer: ([1, 2, 3, 3, 3] as const)[Math.floor(random() * 5)]!,
      rate: Math.floor(random() * 3),
      bitRate: 1 + Math.floor(random() * 14),
      mode: Math.floor(random() * 4),
      modeExtension: Math.floor(random() * 4),
      hasChecksum: random() < 0.2,
    };
    const header = mpegFrameAt(writeHeader(spec), 0)!;
    // Some are cut off, down to the header; some are longer than they say.
    const nBytes = 4 + Math.floor(random() * (random() < 0.5 ? header.nBytes : 5000));
    const frame = Uint8Array.from({ length: nBytes }, () => (random() < 0.1 ? 0xff : Math.floor(random() * 256)));
    frame.set(writeHeader(spec));
    const channels = decoder.decode(frame);
    if (!channels) {
      nNone++;
      continue;
    }
    assert.is(channels.length, header.nChannels);
    for (const channel of channels) {
      assert.is(channel.length, header.nSamples);
      assert.ok(channel.every(Number.isFinite), `frame ${i} of seed 11`);
    }
  }
  assert.ok(nNone > 100 && nNone < 2000, `${nNone} without samples`);
  assert.is(decoder.decode(new Uint8Array(0)), undefined);
  assert.is(decoder.decode(new Uint8Array(400)), undefined, 'no header');
});

test.run();
