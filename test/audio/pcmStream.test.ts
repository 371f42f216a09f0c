/** Samples from a pipe against those of the same bytes as a file. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeWhole } from '../../src/audio/decode.ts';
import { type RawPcm, readPcmStream } from '../../src/audio/pcmStream.ts';
import { codeOf, reasonOf } from '../support/throws.ts';
import { flacFile } from './codecs/flacWriter.ts';
import { toneMp3, toneOpus, toneVorbis } from './encoded.ts';
import { integerBytes, noise, sweep, type WavSpec, wavFile } from './sounds.ts';

const test = suite('pcmStream');

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  // One array that is used again and again, as some readers do.
  const reused = new Uint8Array(Math.max(...sizes));
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const part = bytes.subarray(at, at + sizes[i % sizes.length]!);
    reused.set(part);
    yield reused.subarray(0, part.length);
    at += part.length;
  }
}

async function read(bytes: Uint8Array, sizes: readonly number[], raw?: RawPcm): Promise<number[]> {
  const all: number[] = [];
  for await (const samples of readPcmStream(pieces(bytes, sizes), raw)) all.push(...samples);
  return all;
}

const signal = sweep(1200, 1);
const s16 = integerBytes(
  signal.map((v) => Math.round(v * 32767)),
  16,
);

test('WAV of every kind in pieces of every size gives what the whole file gives', async () => {
  const files: [string, WavSpec][] = [
    ['s16', { tag: 1, bits: 16, data: s16 }],
    ['s16 stereo 44.1 kHz', { tag: 1, bits: 16, nChannels: 2, sampleRate: 44100, data: s16 }],
    ['u8 8 kHz', { tag: 1, bits: 8, sampleRate: 8000, data: s16 }],
    ['s24', { tag: 1, bits: 24, data: s16 }],
    ['f32 48 kHz', { tag: 3, bits: 32, sampleRate: 48000, data: new Uint8Array(signal.buffer) }],
    ['mu-law', { tag: 7, bits: 8, data: s16 }],
    ['big-endian', { tag: 1, bits: 16, riff: 'RIFX', data: s16 }],
    ['RF64', { tag: 1, bits: 16, riff: 'RF64', data: s16 }],
    ['extensible', { tag: 1, bits: 16, channelMask: 4, data: s16 }],
    ['a LIST chunk of a megabyte', { tag: 1, bits: 16, data: s16, between: [['LIST', new Uint8Array(1 << 20)]] }],
    ['a LIST chunk of odd length', { tag: 1, bits: 16, data: s16, between: [['LIST', new Uint8Array(33)]] }],
  ];
  for (const [name, spec] of files) {
    const file = wavFile(spec);
    const wanted = String([...(await decodeWhole(file))]);
    for (const sizes of file.length > 1 << 20 ? [[65536]] : [[1], [7, 1000, 3], [65536]]) {
      assert.is(String(await read(file, sizes)), wanted, `${name} in pieces of ${sizes}`);
    }
  }
});

test('FLAC, MP3 and Ogg in pieces of every size give what the whole file gives', async () => {
  const values = Array.from(signal, (v) => Math.round(v * 32767));
  const flac = flacFile({
    sampleRate: 16000,
    bits: 16,
    blockSize: 192,
    coded: [values],
    subframes: [{ kind: 'verbatim' }],
  });
  for (const [name, file] of Object.entries({ flac, toneMp3, toneOpus, toneVorbis })) {
    const whole = await decodeWhole(file);
    for (const sizes of [[1], [7, 1000, 3], [65536]]) {
      const inPieces = Float32Array.from(await read(file, sizes));
      assert.equal(inPieces, whole, `${name} in pieces of ${sizes}`);
    }
  }
});

test('a search that finds nothing can be stopped', async () => {
  const controller = new AbortController();
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield toneOpus;
    for (;;) yield new Uint8Array(1 << 16);
  }
  setTimeout(() => controller.abort(new Error('enough')), 1);
  const reason = await reasonOf(async () => {
    for await (const _ of readPcmStream(endless(), undefined, { signal: controller.signal }));
  });
  assert.is(reason, controller.signal.reason);
});

test('an unknown size means to the end of the stream, a known one is used', async () => {
  const wanted = [...(await decodeWhole(wavFile({ tag: 1, bits: 16, data: s16 })))];
  for (const dataSize of [0, 0xffffffff, 0x80000000, 0x7fffffff - 36]) {
    assert.equal(await read(wavFile({ tag: 1, bits: 16, data: s16, dataSize }), [100]), wanted, String(dataSize));
  }
  const file = wavFile({ tag: 1, bits: 16, data: s16, dataSize: 200 });
  assert.equal(await read(file, [90]), wanted.slice(0, 100), 'what follows is not decoded');
});

test('raw samples', async () => {
  const wanted = [...(await decodeWhole(wavFile({ tag: 1, bits: 16, data: s16 })))];
  assert.equal(await read(s16, [5, 64], { format: 's16le' }), wanted);
  const spec: WavSpec = { tag: 3, bits: 32, sampleRate: 22050, nChannels: 2, data: new Uint8Array(signal.buffer) };
  assert.equal(await read(spec.data, [1000, 1], { format: 'f32le', sampleRate: 22050, nChannels: 2 }), [
    ...(await decodeWhole(wavFile(spec))),
  ]);
  for (const [format, bits] of [
    ['u8', 8],
    ['s24le', 24],
    ['s32le', 32],
  ] as const) {
    assert.equal(
      await read(s16, [77], { format }),
      [...(await decodeWhole(wavFile({ tag: 1, bits, data: s16 })))],
      format,
    );
  }
});

test('samples are given before the input ends', async () => {
  const file = wavFile({ tag: 1, bits: 16, data: s16 });
  const lengths: number[] = [];
  for await (const samples of readPcmStream(pieces(file, [644]))) lengths.push(samples.length);
  assert.is(lengths[0], 300);
  assert.is(lengths[1], 322);
});

test('leaving the loop closes the input', async () => {
  let isLeft = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(320);
    } finally {
      isLeft = true;
    }
  }
  for await (const _ of readPcmStream(endless(), { format: 's16le' })) break;
  assert.ok(isLeft);
});

const code = (bytes: Uint8Array): Promise<string> => codeOf(() => read(bytes, [10]));

test('what is not WAV is refused at once; an empty stream has no samples', async () => {
  const file = wavFile({ tag: 1, bits: 16, data: s16 });
  assert.is(await code(new Uint8Array(0)), 'none');
  assert.is(await code(new Uint8Array(5)), 'unsupported');
  assert.is(await code(Uint8Array.from(noise(500, 1), (v) => 128 + 100 * v)), 'unsupported');
  assert.is(await code(file.subarray(0, 30)), 'truncated');
  assert.is(await code(wavFile({ tag: 1, bits: 12, data: s16, nChannels: 0 })), 'malformed');
  assert.is(await code(wavFile({ tag: 2, bits: 4, data: s16 })), 'unsupported', 'ADPCM');
  const noFormat = file.slice();
  noFormat.set([0x78], 12); // "fmt " is "xmt "
  assert.is(await code(noFormat), 'malformed');
});

test.run();
