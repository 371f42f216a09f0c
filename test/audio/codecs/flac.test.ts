import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader } from '../../../src/audio/byteReader.ts';
import { memoryBytes } from '../../../src/audio/byteSource.ts';
import { readFlac } from '../../../src/audio/codecs/flac.ts';
import { decodeWhole } from '../../../src/audio/decode.ts';
import { concat } from '../../../src/base/bytes.ts';
import type { Warning } from '../../../src/base/progress.ts';
import { codeOf } from '../../support/throws.ts';
import { noise, sweep } from '../sounds.ts';
import { type FlacSpec, flacFile } from './flacWriter.ts';

const test = suite('flac');

interface Decoded {
  readonly format: string;
  readonly channels: number[][];
}

/** All samples, in the integers of the format. */
async function decoded(file: Uint8Array, warnings: Warning[] = []): Promise<Decoded> {
  const channels: number[][] = [];
  let format = '';
  const reader = ByteReader.ofSource(memoryBytes(file));
  for await (const piece of readFlac(reader, { onWarning: (w) => warnings.push(w) })) {
    format = piece.sampleFormat;
    for (const [c, values] of piece.channels.entries()) {
      channels[c] ??= [];
      channels[c].push(...values);
    }
  }
  return { format, channels };
}

const sound = (n: number, bits: number, seed: number): number[] =>
  Array.from(sweep(n, seed), (v) => Math.round(v * 2 ** (bits - 1) * 0.99));

const mono = { sampleRate: 16000, bits: 16, blockSize: 192 } as const;

test('every kind of subframe', async () => {
  const values = sound(500, 16, 1);
  const kinds: readonly FlacSpec['subframes'][number][] = [
    { kind: 'verbatim' },
    { kind: 'fixed', coefficients: [], parameters: [12] },
    { kind: 'fixed', coefficients: [1], parameters: [11] },
    { kind: 'fixed', coefficients: [2, -1], parameters: [11, 0].map(() => 12) },
    { kind: 'fixed', coefficients: [3, -3, 1], parameters: [13] },
    { kind: 'fixed', coefficients: [4, -6, 4, -1], parameters: [14] },
    { kind: 'fixed', coefficients: [2, -1], parameters: [-1], escapeBits: 20 },
    { kind: 'fixed', coefficients: [1], parameters: [2] }, // quotients of thousands
    { kind: 'linear', coefficients: [15000, -7000, 33, -1], shift: 13, parameters: [12, 12, -1, 12], escapeBits: 18 },
    { kind: 'linear', coefficients: Array.from(noise(32, 5), (v) => Math.round(v * 900)), shift: 10, parameters: [14] },
  ];
  for (const subframe of kinds) {
    // Blocks must hold a whole number of partitions: 500 = 2 * 192 + 116.
    const file = flacFile({ ...mono, coded: [values], subframes: [subframe] });
    assert.equal(await decoded(file), { format: 's16', channels: [values] }, JSON.stringify(subframe));
  }
  const still = new Array(300).fill(-77);
  assert.equal((await decoded(flacFile({ ...mono, coded: [still], subframes: [{ kind: 'constant' }] }))).channels, [
    still,
  ]);
  const even = values.map((v) => v * 8 - (v * 8 > 32767 || v * 8 < -32768 ? v * 8 : 0));
  const wasted = flacFile({
    ...mono,
    coded: [even],
    subframes: [{ kind: 'fixed', coefficients: [1], wasted: 3, parameters: [9] }],
  });
  assert.equal((await decoded(wasted)).channels, [even]);
});

test('stereo as left/side, side/right and mid/side', async () => {
  const [left, right] = [sound(400, 16, 1), sound(400, 16, 2)];
  const side = left.map((v, i) => v - right[i]!);
  const mid = left.map((v, i) => Math.floor((v + right[i]!) / 2));
  const verbatim = [{ kind: 'verbatim' }, { kind: 'verbatim' }] as const;
  for (const [assignment, coded] of [
    [1, [left, right]],
    [8, [left, side]],
    [9, [side, right]],
    [10, [mid, side]],
  ] as const) {
    const file = flacFile({ ...mono, coded, assignment, subframes: verbatim });
    assert.equal((await decoded(file)).channels, [left, right], `assignment ${assignment}`);
  }
});

test('any depth is left-justified in 16 or 32 bits', async () => {
  for (const bits of [8, 12, 16, 20, 24, 32]) {
    const values = [...sound(200, bits, 3), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
    const file = flacFile({ ...mono, bits, coded: [values], subframes: [{ kind: 'verbatim' }] });
    const justified = values.map((v) => v * 2 ** ((bits <= 16 ? 16 : 32) - bits));
    assert.equal(await decoded(file), { format: bits <= 16 ? 's16' : 's32', channels: [justified] }, `${bits} bits`);
  }
});

test('a damaged frame is left out, the rest is read, and a warning says so', async () => {
  const values = sound(192 * 5, 16, 1);
  const file = flacFile({ ...mono, coded: [values], subframes: [{ kind: 'verbatim' }] });
  const frameBytes = (file.length - 42) / 5;
  const damaged = file.slice();
  damaged[42 + 2 * frameBytes + 50]! ^= 0x10;
  const warnings: Warning[] = [];
  assert.equal((await decoded(damaged, warnings)).channels, [[...values.slice(0, 384), ...values.slice(576)]]);
  assert.is(warnings[0]?.code, 'audioDamaged');
  const cut = file.subarray(0, file.length - 10);
  assert.equal((await decoded(cut, warnings)).channels, [values.slice(0, 768)]);
  assert.match(warnings[1]?.message ?? '', '768');
});

/** Three frames, and what may be left of their samples when some cannot be read. */
const threeFrames = sound(400, 16, 1);
const subsets = new Set(
  [0, 1, 2, 3, 4, 5, 6, 7].map((kept) => String(threeFrames.filter((_, i) => (kept >> Math.floor(i / 192)) & 1))),
);
const threeFrameFile = flacFile({
  ...mono,
  coded: [threeFrames],
  subframes: [{ kind: 'fixed', coefficients: [1], parameters: [11] }],
});

test('a file cut anywhere gives its complete frames, or is refused if there is none', async () => {
  const lengths = new Set<number>();
  for (let end = 4; end < threeFrameFile.length; end++) {
    const cut = threeFrameFile.subarray(0, end);
    const warnings: Warning[] = [];
    let samples: readonly number[] = [];
    const code = await codeOf(async () => {
      samples = (await decoded(cut, warnings)).channels[0]!;
    });
    assert.is(code, end < 42 ? 'truncated' : samples.length === 0 ? 'malformed' : 'none', `${end} bytes`);
    assert.equal(samples, threeFrames.slice(0, samples.length), `${end} bytes`);
    if (samples.length > 0) assert.is(warnings.length, 1, `${end} bytes`);
    lengths.add(samples.length);
  }
  assert.equal([...lengths], [0, 192, 384]);
});

test('whatever byte is changed, a frame is read as it was or left out', async () => {
  const codes = new Set<string>();
  for (let at = 4; at < threeFrameFile.length; at++) {
    const byte = threeFrameFile[at]!;
    for (const value of [0, 0xff, byte ^ 1, byte ^ 0x80]) {
      const changed = threeFrameFile.slice();
      changed[at] = value;
      let [samples, unit]: [readonly number[], number] = [[], 1];
      codes.add(
        await codeOf(async () => {
          const { format, channels } = await decoded(changed);
          samples = channels[0]!;
          unit = format === 's16' ? 1 : 2 ** 16;
        }),
      );
      assert.ok(subsets.has(String(samples.map((v) => v / unit))), `byte ${at} = ${value}: ${samples.length} samples`);
    }
  }
  assert.equal([...codes].sort(), ['malformed', 'none']);
});

test('frames that say another rate or other channels are followed, those of another depth or too long are left out', async () => {
  const spec = { ...mono, subframes: [{ kind: 'verbatim' }, { kind: 'verbatim' }] } as const;
  const values = sound(384, 16, 1);
  const whole = flacFile({ ...spec, coded: [values] });
  const header = whole.subarray(0, 42);
  const frames = (change: Partial<FlacSpec>): Uint8Array =>
    flacFile({ ...spec, coded: [values], ...change }).subarray(42);
  const formats = async (...parts: readonly Uint8Array[]): Promise<string[]> => {
    const found: string[] = [];
    const reader = ByteReader.ofSource(memoryBytes(concat(Uint8Array, [header, ...parts])));
    const onWarning = ({ message }: Warning): void => void found.push(message);
    for await (const { sampleRate, nChannels, channels } of readFlac(reader, { onWarning })) {
      found.push(`${sampleRate} Hz ${nChannels} ch ${channels[0]?.length}`);
    }
    return found;
  };
  const own = frames({});
  assert.equal(await formats(own, frames({ coded: [values, values] }), own), [
    '16000 Hz 1 ch 384',
    '16000 Hz 2 ch 384',
    '16000 Hz 1 ch 384',
  ]);
  assert.equal(await formats(own, frames({ frameRate: 44100 }), own), [
    '16000 Hz 1 ch 384',
    '44100 Hz 1 ch 384',
    '16000 Hz 1 ch 384',
  ]);
  const deeper = await formats(own, frames({ bits: 24, frameBits: 24 }), own);
  assert.is(deeper[0], '16000 Hz 1 ch 768', 'another depth');
  assert.match(deeper[1] ?? '', '24 bits');
  assert.equal(await formats(own, frames({ blockSize: 384 }), own), ['16000 Hz 1 ch 768'], 'too long');
});

test('frames without end that are none, and rates without end, take no more time than their bytes', async () => {
  const header = flacFile({ ...mono, blockSize: 65535, coded: [[]], subframes: [{ kind: 'verbatim' }] }).subarray(
    0,
    42,
  );
  // A frame of 65536 samples, verbatim, every few bytes; the checksum of none is right.
  const claim = flacFile({
    ...mono,
    blockSize: 65535,
    coded: [new Array(65535).fill(0)],
    subframes: [{ kind: 'verbatim' }],
  });
  const falseFrame = claim.subarray(42, 42 + 12);
  const parts = new Array<Uint8Array>(80_000).fill(falseFrame);
  // The good frame behind them is too far.
  const frame = flacFile({ ...mono, coded: [[1, 2, 3]], subframes: [{ kind: 'verbatim' }] }).subarray(42);
  assert.is(await codeOf(() => decodeWhole(concat(Uint8Array, [header, ...parts, frame]))), 'malformed');
  assert.is((await decodeWhole(concat(Uint8Array, [header, ...parts.slice(0, 50), frame]))).length, 3);
  const rates = Array.from({ length: 2000 }, (_, i) =>
    flacFile({ ...mono, coded: [[1, 2, 3]], subframes: [{ kind: 'verbatim' }], frameRate: 20001 + 7 * i }).subarray(42),
  );
  assert.is(await codeOf(() => decodeWhole(concat(Uint8Array, [header, ...rates]))), 'malformed');
});

test('long frames of many channels come one by one, short ones together', async () => {
  for (const [blockSize, nChannels, most] of [
    [65535, 8, 65535],
    [4096, 2, 65536],
    [2000, 1, 132_000],
  ] as const) {
    const coded = Array.from({ length: nChannels }, () => new Array<number>(200_000).fill(7));
    const subframes = coded.map(() => ({ kind: 'constant' }) as const);
    const lengths: number[] = [];
    const file = flacFile({ ...mono, blockSize, coded, subframes });
    for await (const { channels } of readFlac(ByteReader.ofSource(memoryBytes(file))))
      lengths.push(channels[0]!.length);
    assert.is(Math.max(...lengths), most, `${blockSize} samples, ${nChannels} channels`);
    assert.is(
      lengths.reduce((a, b) => a + b, 0),
      200_000,
    );
  }
});

test('an empty recording', async () => {
  const file = flacFile({ ...mono, coded: [[]], subframes: [{ kind: 'verbatim' }] });
  assert.equal((await decoded(file)).channels, []);
});

test.run();
