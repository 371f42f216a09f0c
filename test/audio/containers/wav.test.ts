import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isWav } from '../../../src/audio/containers/isWav.ts';
import { decodeWhole } from '../../../src/audio/decode.ts';
import { AudioError } from '../../../src/base/errors.ts';
import type { Warning } from '../../../src/base/progress.ts';
import { ffmpegOrSkip } from '../../support/ffmpeg.ts';
import { codeOf, reasonOf, throws } from '../../support/throws.ts';
import { isAsFfmpegHears } from '../againstFfmpeg.ts';
import { integerBytes, isPcm16, noise, sweep, type WavSpec, wavFile } from '../sounds.ts';

const test = suite('wav');

/** 16-bit values of a 16 kHz mono file. */
async function decoded(file: Uint8Array, warnings: Warning[] = []): Promise<number[]> {
  const samples = await decodeWhole(file, { onWarning: (w) => warnings.push(w) });
  return Array.from(samples, (v) => v * 32768);
}

const values = [0, 1, -1, 256, -256, 32767, -32768, 12345];
const s16: WavSpec = { tag: 1, bits: 16, data: integerBytes(values, 16) };

test('every sample format', async () => {
  assert.equal(await decoded(wavFile(s16)), values);
  assert.equal(
    await decoded(wavFile({ tag: 1, bits: 8, data: Uint8Array.of(128, 129, 0, 255) })),
    [0, 256, -32768, 32512],
  );
  const wide = [0, 1 << 8, -(1 << 8), 0x7fffff, -0x800000, 0x1234ff];
  const cut = wide.map((v) => v >> 8);
  assert.equal(await decoded(wavFile({ tag: 1, bits: 24, data: integerBytes(wide, 24) })), cut);
  const wider = wide.map((v) => v * 256);
  assert.equal(await decoded(wavFile({ tag: 1, bits: 32, data: integerBytes(wider, 32) })), cut);
  const floats = [0, 0.5, -0.5, 1, -1, 0.25];
  const rounded = [0, 16384, -16384, 32767, -32768, 8192];
  assert.equal(
    await decoded(wavFile({ tag: 3, bits: 32, data: new Uint8Array(Float32Array.from(floats).buffer) })),
    rounded,
  );
  assert.equal(
    await decoded(wavFile({ tag: 3, bits: 64, data: new Uint8Array(Float64Array.from(floats).buffer) })),
    rounded,
  );
  // G.711's own corners: the largest of either sign, and the two zeros (A-law has none: +-8).
  assert.equal(
    await decoded(wavFile({ tag: 7, bits: 8, data: Uint8Array.of(0x00, 0x80, 0xff, 0x7f) })),
    [-32124, 32124, 0, 0],
  );
  assert.equal(
    await decoded(wavFile({ tag: 6, bits: 8, data: Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a) })),
    [8, -8, 32256, -32256],
  );
});

test('channels, extensible headers, 64-bit sizes, big-endian files', async () => {
  const stereo = [100, 300, -5, -6, 7, 8];
  assert.equal(await decoded(wavFile({ ...s16, nChannels: 2, data: integerBytes(stereo, 16) })), [200, -5, 8]);
  assert.equal(await decoded(wavFile({ ...s16, channelMask: 4 })), values);
  assert.equal(await decoded(wavFile({ ...s16, riff: 'RF64' })), values);
  const big = integerBytes(values, 16);
  for (let i = 0; i < big.length; i += 2) big.subarray(i, i + 2).reverse();
  assert.equal(await decoded(wavFile({ ...s16, riff: 'RIFX', data: big })), values);
});

test('odd chunks, junk and unknown sizes', async () => {
  const junk = [
    ['LIST', noiseBytes(7)],
    ['data', noiseBytes(3)], // of several data chunks the last one counts
    ['junk', new Uint8Array(0)],
  ] as const;
  assert.equal(await decoded(wavFile({ ...s16, between: junk })), values);
  for (const dataSize of [0, 0xffffffff]) {
    const warnings: Warning[] = [];
    assert.equal(await decoded(wavFile({ ...s16, dataSize }), warnings), values);
    assert.equal(warnings, []);
  }
  assert.equal(await decoded(wavFile({ ...s16, data: new Uint8Array(0) })), []);
});

test('a file that is cut off gives what it has, with a warning', async () => {
  // The large sizes mean "unknown" in a stream only: there are files of several GB.
  for (const dataSize of [1000, 0x7fff0000, 0x80000000, 0xfffffffe]) {
    const file = wavFile({ ...s16, dataSize });
    const warnings: Warning[] = [];
    assert.equal(await decoded(file, warnings), values);
    assert.equal(await decoded(file.subarray(0, file.length - 3)), values.slice(0, -2));
    assert.is(warnings[0]?.code, 'audioTruncated', String(dataSize));
  }
});

const invalid: readonly (readonly [what: string, change: Partial<WavSpec>, code: string])[] = [
  ['no channel', { nChannels: 0 }, 'malformed'],
  ['too many channels', { nChannels: 65 }, 'malformed'],
  ['a sample rate of 0', { sampleRate: 0 }, 'malformed'],
  ['a sample rate of 5', { sampleRate: 5 }, 'sampleRate'],
  ['samples of no bits', { bits: 0 }, 'unsupported'],
  ['MP3 in WAV without a frame', { tag: 0x55 }, 'malformed'],
  ['ADPCM', { tag: 2, bits: 4 }, 'unsupported'],
];
for (const [what, change, code] of invalid) {
  test(`refused: ${what}`, async () => {
    assert.is(await codeOf(() => decoded(wavFile({ ...s16, ...change }))), code);
  });
}

const whole = wavFile({ ...s16, channelMask: 4, between: [['LIST', noiseBytes(9)]] });

test('cut in the header it is refused, cut in the samples it gives all complete ones', async () => {
  const dataStart = whole.length - s16.data.length;
  for (const end of whole.keys()) {
    const cut = whole.subarray(0, end);
    if (end < 12) assert.match(await codeOf(() => decoded(cut)), /^(empty|unsupported)$/, `${end} bytes`);
    else if (end < dataStart) assert.match(await codeOf(() => decoded(cut)), /^(truncated|malformed)$/, `${end} bytes`);
    else assert.equal(await decoded(cut), values.slice(0, (end - dataStart) >> 1), `${end} bytes`);
  }
});

test('with any byte of the header changed it gives 16-bit samples, or is refused with a code', async () => {
  const codes = new Set<string>();
  for (const at of whole.keys()) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const changed = whole.slice();
      changed[at] = value;
      let samples: readonly number[] = [];
      codes.add(
        await codeOf(async () => {
          samples = await decoded(changed);
        }),
      );
      assert.ok(isPcm16(Float32Array.from(samples, (v) => v / 32768)), `byte ${at} = ${value}: ${samples}`);
    }
  }
  assert.equal([...codes].sort(), ['malformed', 'none', 'sampleRate', 'unsupported']);
});

test('long files come in pieces, and can be stopped', async () => {
  const sound = Int16Array.from(sweep(200_001, 1), (v) => v * 30000);
  const file = wavFile({ ...s16, data: new Uint8Array(sound.buffer) });
  assert.equal(await decoded(file), [...sound]);
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort() };
  const stopped = await reasonOf(() => decodeWhole(file, options));
  assert.is(stopped, controller.signal.reason);
});

test('other files are not WAV', () => {
  assert.ok(isWav(wavFile(s16)));
  assert.not.ok(isWav(new Uint8Array(0)));
  assert.not.ok(isWav(wavFile(s16).subarray(0, 11)));
  assert.not.ok(isWav(Uint8Array.from('RIFF....AVI fmt ', (c) => c.charCodeAt(0))));
});

function noiseBytes(length: number): Uint8Array {
  return Uint8Array.from(noise(length, 9), (v) => 128 + 127 * v);
}

test('fields that contradict each other are judged as ffmpeg judges them', async () => {
  const bytes = integerBytes(
    sweep(3000, 1).map((v) => Math.round(v * 32767)),
    16,
  );
  const file = wavFile({ tag: 1, bits: 16, data: bytes });
  const wanted = await decoded(file);
  const change = (at: number, value: number): Uint8Array => {
    const changed = file.slice();
    new DataView(changed.buffer).setUint16(at, value, true);
    return changed;
  };
  for (const blockAlign of [0, 1, 3, 4, 6, 8, 4096, 65535]) {
    assert.equal(await decoded(change(32, blockAlign)), wanted, `block align ${blockAlign}`);
  }
  for (const byteRate of [0, 1, 65535]) assert.equal(await decoded(change(28, byteRate)), wanted, 'byte rate');
  for (const bits of [9, 12, 15]) assert.equal(await decoded(change(34, bits)), wanted, `${bits} bits`);
  for (const channelMask of [0, 1, 3, 0x600, 0x80000000]) {
    assert.equal(await decoded(wavFile({ tag: 1, bits: 16, channelMask, data: bytes })), wanted, `mask ${channelMask}`);
  }
  if (!ffmpegOrSkip('contradicting fields against ffmpeg')) return;
  const files: readonly (readonly [what: string, file: Uint8Array])[] = [
    ['block align 4', change(32, 4)],
    ['12 bits', change(34, 12)],
    ['8 bits', change(34, 8)],
    ['16 channels', wavFile({ tag: 1, bits: 16, nChannels: 16, data: bytes.slice(0, 5984) })],
    ['24 channels', wavFile({ tag: 1, bits: 16, nChannels: 24, data: bytes.slice(0, 5952) })],
    ['64 bits', wavFile({ tag: 1, bits: 64, data: bytes.slice(0, 5992) })],
    ['64 bits, two channels', wavFile({ tag: 1, bits: 64, nChannels: 2, data: bytes.slice(0, 5984) })],
    ['mu-law in 16 bits', wavFile({ tag: 7, bits: 16, data: bytes })],
    ['size 100', wavFile({ tag: 1, bits: 16, data: bytes, dataSize: 100 })],
    ['size too large', wavFile({ tag: 1, bits: 16, data: bytes, dataSize: 1e9 })],
    ['a NaN', floatFile(Number.NaN)],
    ['infinity', floatFile(Number.POSITIVE_INFINITY)],
    ['65536', floatFile(65536)],
  ];
  for (const [what, one] of files) await isAsFfmpegHears(one, 0, what);
});

/** 3000 samples, of which number 1000 is `value`. */
function floatFile(value: number): Uint8Array {
  const sound = sweep(3000, 1);
  sound[1000] = value;
  return wavFile({ tag: 3, bits: 32, data: new Uint8Array(sound.buffer) });
}

test('one sample that is no number is a click and a warning', async () => {
  const warnings: Warning[] = [];
  assert.is((await decoded(floatFile(Number.NaN), warnings)).length, 3000);
  assert.equal(
    warnings.map(({ code, message }) => [code, /0\.063 s/.test(message)]),
    [['nonFinite', true]],
  );
});

test('many chunks are gone through once', async () => {
  const between = Array.from(
    { length: 50_000 },
    (_, i) => [i % 100 === 0 ? 'data' : 'junk', new Uint8Array(2)] as const,
  );
  const file = wavFile({ ...s16, between });
  let nRead = 0;
  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    nRead += end - begin;
    return file.subarray(begin, end);
  };
  const samples = await decodeWhole({ size: file.length, read });
  assert.equal(
    Array.from(samples, (v) => v * 32768),
    values,
  );
  assert.ok(nRead < 1.5 * file.length, `${nRead} of ${file.length} bytes`);
});

test('no byte beyond the end is asked for', async () => {
  for (const dataSize of [0, 1000, 0xffffffff]) {
    const file = wavFile({ ...s16, dataSize, between: [['LIST', noiseBytes(7)]] });
    const read = async (begin: number, end: number): Promise<Uint8Array> => {
      assert.ok(begin >= 0 && begin <= end && end <= file.length, `${begin} to ${end}`);
      return file.subarray(begin, end);
    };
    assert.is((await decodeWhole({ size: file.length, read })).length, values.length);
  }
});

test('what samples in a codec are is said', async () => {
  const error = await throws(AudioError, 'unsupported', () =>
    decoded(wavFile({ tag: 0x11, bits: 4, data: noiseBytes(9) })),
  );
  assert.match(error.message, 'ADPCM');
});

test.run();
