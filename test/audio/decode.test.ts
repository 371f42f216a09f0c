import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader } from '../../src/audio/byteReader.ts';
import type { ByteSource } from '../../src/audio/byteSource.ts';
import { decodeAudio, decodeInPlace, decodeWhole } from '../../src/audio/decode.ts';
import { AudioError } from '../../src/base/errors.ts';
import { ffmpegEncode, ffmpegOrSkip, ffmpegSamples } from '../support/ffmpeg.ts';
import { sharedOrSkip } from '../support/paths.ts';
import { codeOf, reasonOf, throws } from '../support/throws.ts';
import { isAsFfmpegHears } from './againstFfmpeg.ts';
import { flacFile } from './codecs/flacWriter.ts';
import { withChecksums } from './containers/oggWriter.ts';
import { toneMp3, toneOpus, toneVorbis } from './encoded.ts';
import { integerBytes, isPcm16, noise, sweep, wavFile } from './sounds.ts';

const test = suite('decode');

const tone = Float32Array.from({ length: 4800 }, (_, i) => 0.25 * Math.sin((2 * Math.PI * 440 * i) / 16000));

/** Signal to error in dB, over the middle of the tone. */
function quality(samples: Float32Array): number {
  let [signal, error] = [0, 0];
  for (let i = 800; i < 4000; i++) {
    signal += tone[i]! ** 2;
    error += (samples[i]! - tone[i]!) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

test('MP3, Opus and Vorbis start and end where the tone does', async () => {
  const cases = [
    [toneMp3, 'mp3', 4800, 24],
    [toneOpus, 'ogg opus', 4800, 16],
    // Of a file of one page ffmpeg cuts off the first block's length too much.
    [toneVorbis, 'ogg vorbis', 4544, 12],
  ] as const;
  for (const [bytes, kind, length, decibels] of cases) {
    const samples = await decodeWhole(bytes);
    assert.is(samples.length, length, kind);
    assert.ok(quality(samples) > decibels, `${kind}: ${quality(samples).toFixed(1)} dB`);
    assert.ok(isPcm16(samples), kind);
  }
});

test('the kind of a file follows from its content', async () => {
  const values = [1, 2, 3, -4];
  const wav = wavFile({ tag: 1, bits: 16, data: integerBytes(values, 16) });
  const flac = flacFile({
    sampleRate: 16000,
    bits: 16,
    blockSize: 16,
    coded: [values],
    subframes: [{ kind: 'verbatim' }],
  });
  for (const file of [wav, flac]) {
    assert.equal(
      Array.from(await decodeWhole(file, { fileName: 'x.mp3' }), (v) => v * 32768),
      values,
    );
  }
  const tagged = new Uint8Array([
    ...Uint8Array.from('ID3\x04\0\0\0\0\0\x05', (c) => c.charCodeAt(0)),
    9,
    9,
    9,
    9,
    9,
    ...flac,
  ]);
  assert.is((await decodeWhole(tagged)).length, 4);
  for (const text of [
    'RIFFxxxxAVI ',
    '\0\0\0\x18ftypM4A ',
    '\x1aE\xdf\xa3',
    'FORM\0\0\0\0AIFF',
    'hello, world',
    'OggS',
  ]) {
    assert.is(await codeOf(() => decodeWhole(Uint8Array.from(text, (c) => c.charCodeAt(0)))), 'unsupported', text);
  }
  const random = Uint8Array.from(noise(9999, 3), (v) => v * 128);
  assert.is(await codeOf(() => decodeWhole(random)), 'unsupported');
});

test('what is not decoded here is refused before any sample, and can be read by somebody else', async () => {
  const m4a = Uint8Array.from('\0\0\0\x18ftypM4A ', (c) => c.charCodeAt(0));
  const error = await throws(AudioError, 'unsupported', () => decodeWhole(m4a, { fileName: 'talk.m4a' }));
  assert.match(error.message, 'talk.m4a');
  assert.match(error.hint ?? '', 'ffmpeg');
  // A codec inside of WAV that we do not know; a damaged WAV is not such a case.
  const adpcm = wavFile({ tag: 2, bits: 4, data: Uint8Array.from(noise(9000, 1), (v) => 128 + 127 * v) });
  for (const file of [m4a, adpcm]) {
    const reader = ByteReader.ofStream(inPieces(file, 1000));
    assert.is(await codeOf(() => decodeWhole(reader)), 'unsupported');
    const rest: number[] = [];
    for await (const bytes of reader.rest()) rest.push(...bytes);
    assert.equal(rest, [...file]);
  }
  const cut = wavFile({ tag: 1, bits: 16, data: new Uint8Array(8) }).subarray(0, 30);
  assert.is(await codeOf(() => decodeWhole(cut)), 'truncated');
  assert.is(await codeOf(() => decodeWhole(new Uint8Array(0))), 'empty');
});

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Samples of a damaged file, which must be 16-bit values, or the code of the error, which must be a documented one. */
async function decodedOrCode(file: Uint8Array, what: string): Promise<Float32Array | string> {
  let samples: Float32Array | undefined;
  const code = await codeOf(async () => {
    samples = await decodeWhole(file);
  });
  if (!samples) {
    assert.match(code, /^(empty|unsupported|malformed|truncated|channels|sampleRate|nonFinite)$/, what);
    return code;
  }
  assert.ok(isPcm16(samples), what);
  return samples;
}

test('a file with wrong bytes decodes to 16-bit samples or is refused with a code', async () => {
  let nRefused = 0;
  for (const [kind, bytes] of Object.entries({ toneMp3, toneOpus, toneVorbis })) {
    let nDecoded = 0;
    const places = noise(24, 11).map((v) => Math.floor(((v + 1) / 2) * bytes.length));
    for (const at of [0, 1, ...places]) {
      const changed = bytes.slice();
      changed.fill(0xff, at, at + 2);
      const file = kind === 'toneMp3' ? changed : withChecksums(changed, bytes);
      if (typeof (await decodedOrCode(file, `${kind} at ${at}`)) === 'string') nRefused++;
      else nDecoded++;
    }
    assert.ok(nDecoded > 0, kind);
  }
  assert.ok(nRefused > 0);
});

test('a truncated file decodes up to the cut, or is refused if nothing before it is complete', async () => {
  const whole = await decodeWhole(toneMp3);
  const lengths: number[] = [];
  for (let end = 250; end < toneMp3.length; end += 90) {
    const samples = await decodedOrCode(toneMp3.subarray(0, end), `MP3 up to ${end}`);
    if (typeof samples === 'string') continue;
    // The last frame may be cut, and is decoded with zeros in place of what is missing.
    const length = Math.max(samples.length - 2 * 576, 0);
    assert.equal(samples.subarray(0, length), whole.subarray(0, length), `MP3 up to ${end}`);
    lengths.push(samples.length);
  }
  assert.ok(lengths.length > 10 && new Set(lengths).size > 5, `${lengths}`);
  // The packets of these are on one page, which must be complete.
  for (const [kind, bytes] of Object.entries({ toneOpus, toneVorbis })) {
    assert.is(await decodedOrCode(bytes.subarray(0, Math.floor(bytes.length / 2)), kind), 'malformed', kind);
  }
});

test('ten hours are read in small ranges, one after the other, as often as is wanted', async () => {
  const nBytes = 2 * 36_000 * 16_000;
  const head = wavFile({ tag: 1, bits: 16, data: new Uint8Array(0), dataSize: nBytes });
  const ranges: number[] = [];
  const source: ByteSource = {
    size: head.length + nBytes,
    async read(begin, end) {
      ranges.push(end - begin);
      const bytes = new Uint8Array(end - begin).fill(1);
      if (begin < head.length) bytes.set(head.subarray(begin, end));
      return bytes;
    },
  };
  for (let pass = 0; pass < 2; pass++) {
    let nSamples = 0;
    for await (const samples of decodeAudio(source)) {
      assert.ok(samples.length <= 1 << 18);
      assert.is(samples[0], 257 / 32768);
      nSamples += samples.length;
      if (nSamples > 3_000_000) break;
    }
  }
  assert.ok(Math.max(...ranges) <= 1 << 18 && ranges.length < 80, `${ranges.length} ranges`);
});

test('an aborted signal stops the work with its own reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  assert.is(await reasonOf(() => decodeWhole(toneMp3, { signal })), signal.reason);
});

test('kinds of FLAC, MP3, Opus and Vorbis that ffmpeg writes come back as ffmpeg reads them', async () => {
  if (!ffmpegOrSkip('round trips through ffmpeg')) return;
  // Long enough for two Ogg pages: of a file of one page ffmpeg does not trim the end.
  const stereo = sweep(2 * 66150, 1);
  const cases: readonly (readonly [
    name: string,
    rate: number,
    channels: number,
    output: readonly string[],
    largest: number,
  ])[] = [
    ['FLAC 16', 44100, 2, ['-f', 'flac', '-sample_fmt', 's16'], 0],
    ['FLAC 24', 48000, 1, ['-f', 'flac', '-sample_fmt', 's32', '-compression_level', '12'], 0],
    ['Ogg FLAC', 16000, 1, ['-f', 'ogg', '-c:a', 'flac', '-sample_fmt', 's16'], 0],
    ['WAV 6 channels', 16000, 6, ['-f', 'wav'], 0],
    ['MP3 without a header', 44100, 2, ['-f', 'mp3', '-write_xing', '0'], 1],
    ['MP2', 48000, 1, ['-f', 'mp2', '-c:a', 'mp2'], 0],
    ['Opus music', 48000, 2, ['-f', 'opus', '-b:a', '96k', '-application', 'lowdelay'], 8],
    ['Vorbis', 44100, 2, ['-f', 'ogg', '-c:a', 'libvorbis'], 1],
  ];
  for (const [name, rate, channels, output, largest] of cases) {
    const file = ffmpegEncode(stereo.subarray(0, stereo.length - (stereo.length % channels)), rate, channels, output);
    await isAsFfmpegHears(file, largest, name);
  }
});

test('the shared WAV and FLAC recordings are, sample for sample, those of ffmpeg', async () => {
  const shared = sharedOrSkip('shared recordings against ffmpeg');
  if (!shared || !ffmpegOrSkip('shared recordings against ffmpeg')) return;
  const folder = join(shared, 'speech');
  const files = readdirSync(folder).filter((name) =>
    /^(edge_(24|8|ext|trunc|stereo).*wav|en_(jfk|azure_3|fasterwhisper_2).*|es_azure_1.*|zh_uberi.*)$/.test(name),
  );
  assert.ok(files.length > 8);
  for (const name of files) {
    const actual = await decodeWhole(new Uint8Array(readFileSync(join(folder, name))));
    const expected = ffmpegSamples(join(folder, name));
    assert.is(actual.length, expected.length, name);
    let unequal = 0;
    for (let i = 0; i < actual.length; i++) if (actual[i]! * 32768 !== expected[i]) unequal++;
    assert.is(unequal, 0, name);
  }
});

/** A file many times over. */
function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const out = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) out.set(bytes, i * bytes.length);
  return out;
}

test('a recording is decoded in memory that is kept, and given in memory that is not', async () => {
  const values = Array.from(noise(400_000, 3), (v) => Math.round(20000 * v));
  const files: readonly (readonly [kind: string, bytes: Uint8Array])[] = [
    ['wav', wavFile({ tag: 1, bits: 16, sampleRate: 44100, nChannels: 2, data: integerBytes(values, 16) })],
    [
      'flac',
      flacFile({ sampleRate: 22050, bits: 16, coded: [values], subframes: [{ kind: 'verbatim' }], blockSize: 4000 }),
    ],
    ['mp3', repeated(toneMp3, 200)],
    ['opus', repeated(toneOpus, 40)],
  ];
  for (const [kind, bytes] of files) {
    const asked: (Uint8Array | undefined)[] = [];
    const source: ByteSource = {
      size: bytes.length,
      async read(begin, end, _signal, room) {
        asked.push(room);
        room?.set(bytes.subarray(begin, end));
        return room ?? bytes.slice(begin, end);
      },
    };
    const inPlace = new Set<ArrayBufferLike>();
    const whole: number[] = [];
    for await (const piece of decodeInPlace(source)) {
      inPlace.add(piece.buffer);
      for (const v of piece) whole.push(v);
    }
    assert.ok(inPlace.size <= 3, `${kind}: ${inPlace.size} arrays of samples`);
    assert.ok(
      asked.every((room) => room),
      `${kind}: it has room for all bytes`,
    );
    const given: Float32Array[] = [];
    for await (const piece of decodeAudio(source)) given.push(piece);
    assert.ok(given.length > 2, `${kind}: ${given.length} pieces`);
    assert.is(new Set(given.map(({ buffer }) => buffer)).size, given.length, `${kind}: each piece is the caller's`);
    assert.equal(
      given.flatMap((piece) => [...piece]),
      whole,
      kind,
    );
  }
});

test.run();
