import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Libopus, type PacketDecoder } from '../../../src/audio/codecs/opus/libopus.ts';
import { decodeWhole } from '../../../src/audio/decode.ts';
import { concat } from '../../../src/base/bytes.ts';
import type { Warning } from '../../../src/base/progress.ts';
import { ffmpegEncode, ffmpegOrSkip } from '../../support/ffmpeg.ts';
import { codeOf } from '../../support/throws.ts';
import { isAsFfmpegHears } from '../againstFfmpeg.ts';
import { oggPage, pagesOf, withSerial } from '../containers/oggWriter.ts';
import { toneOpus, toneVorbis } from '../encoded.ts';
import { noise, sweep } from '../sounds.ts';
import { flacFile } from './flacWriter.ts';

const test = suite('ogg');

const join = (...parts: readonly Uint8Array[]): Uint8Array => concat(Uint8Array, parts);
const text = (value: string): Uint8Array => Uint8Array.from(value, (c) => c.charCodeAt(0));

/** Half of the pages of one file, the second file, the other half: as streams that are sent together. */
function together(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [first, second] = [pagesOf(a), pagesOf(b)];
  const rest = Array.from({ length: Math.max(first.length, second.length) }, (_, i) => [first[i + 1], second[i + 1]]);
  return join(first[0]!, second[0]!, ...rest.flat().filter((page) => page !== undefined));
}

const skeleton = (serial: number): readonly Uint8Array[] => [
  oggPage({
    serial,
    sequence: 0,
    flags: 2,
    granule: 0,
    packets: [join(text('fishead\0\x03\0\0\0'), new Uint8Array(52))],
  }),
  oggPage({ serial, sequence: 1, flags: 4, granule: 0, packets: [new Uint8Array(0)] }),
];

const serialOf = (file: Uint8Array): number => new DataView(file.buffer, file.byteOffset).getUint32(14, true);

test('streams of one codec that are joined are heard to the end, another codec ends the recording with a warning', async () => {
  const codesOf = async (...files: readonly Uint8Array[]): Promise<readonly [Float32Array, readonly string[]]> => {
    const codes: string[] = [];
    const samples = await decodeWhole(join(...files), { onWarning: ({ code }) => codes.push(code) });
    return [samples, codes];
  };
  const [one, two] = [await decodeWhole(toneOpus), await decodeWhole(toneVorbis)];
  for (const [tone, alone] of [
    [toneOpus, one],
    [toneVorbis, two],
  ] as const) {
    const [samples, codes] = await codesOf(tone, tone, tone);
    assert.ok(samples.length > 2.8 * alone.length, `${samples.length}`);
    assert.equal(samples.subarray(0, 4000), alone.subarray(0, 4000));
    assert.equal(codes, []);
  }
  assert.equal(await codesOf(toneOpus, toneVorbis), [one, ['audioTruncated']]);
  assert.equal(await codesOf(toneVorbis, toneOpus, toneVorbis), [two, ['audioTruncated']]);
});

test('other streams beside the sound are passed over, the one with most channels is heard', async () => {
  const alone = await decodeWhole(toneVorbis);
  const [head, end] = skeleton(77);
  const pages = pagesOf(toneVorbis);
  for (const [name, file] of [
    ['before', join(head!, pages[0]!, end!, ...pages.slice(1))],
    ['after', join(pages[0]!, head!, pages[1]!, end!, ...pages.slice(2))],
    ['mixed', together(toneVorbis, withSerial(toneOpus, 5))],
  ] as const) {
    assert.equal(await decodeWhole(file), alone, name);
  }
});

test('a page that is damaged is left out, a later part that cannot be read too', async () => {
  const warnings: Warning[] = [];
  const broken = toneVorbis.slice(0, 200);
  const onWarning = (warning: Warning): void => void warnings.push(warning);
  assert.equal(await decodeWhole(join(toneOpus, broken)), await decodeWhole(toneOpus));
  const unknown = oggPage({ serial: 9, sequence: 0, flags: 2, granule: 0, packets: [text('Speex   1.2')] });
  assert.is(await codeOf(() => decodeWhole(unknown)), 'unsupported');
  assert.equal(await decodeWhole(join(toneOpus, unknown), { onWarning }), await decodeWhole(toneOpus));
  assert.ok(warnings.length > 0 && warnings.every(({ code }) => code === 'audioDamaged'));
});

test('pages without end, without packets, and of packets without end take no more than their bytes', async () => {
  const start = pagesOf(toneOpus).slice(0, 2);
  const page = (packets: readonly Uint8Array[], flags = 0): Uint8Array =>
    oggPage({ serial: serialOf(toneOpus), sequence: 5, flags, granule: -1, packets });
  const empty = page([]);
  const endless = page([new Uint8Array(255 * 254)], 1).slice();
  const falsePages = new Uint8Array(600_000);
  for (let at = 0; at + 27 < falsePages.length; at += 30) falsePages.set(text('OggS'), at);
  for (let at = 26; at < falsePages.length; at += 30) falsePages[at] = 255;
  for (const [name, bytes] of [
    ['empty pages', join(...start, ...new Array<Uint8Array>(20_000).fill(empty))],
    ['endless packet', join(...start, ...new Array<Uint8Array>(100).fill(endless))],
    ['false pages', join(...start, falsePages)],
  ] as const) {
    assert.is(await codeOf(() => decodeWhole(bytes)), 'malformed', name);
  }
});

test('what is searched in vain counts for all joined streams together', async () => {
  const mono = { sampleRate: 16000, bits: 16, blockSize: 65535, subframes: [{ kind: 'verbatim' }] } as const;
  const file = flacFile({ ...mono, coded: [[1, 2, 3]] });
  const [header, frame] = [file.subarray(0, 42), file.subarray(42)];
  const falseFrame = flacFile({ ...mono, coded: [new Array<number>(65535).fill(0)] }).subarray(42, 54);
  const link = (serial: number, nFalse: number): Uint8Array => {
    const junk = join(...new Array<Uint8Array>(nFalse).fill(falseFrame));
    const heads = [join(text('\x7fFLAC\x01\0\0\x01'), header)];
    return join(
      oggPage({ serial, sequence: 0, flags: 2, granule: 0, packets: heads }),
      oggPage({ serial, sequence: 1, flags: 4, granule: 6, packets: [frame, junk, frame] }),
    );
  };
  assert.is((await decodeWhole(join(link(1, 20), link(2, 1)))).length, 12);
  assert.is((await decodeWhole(join(link(1, 300), link(2, 1)))).length, 6);
});

test('packets that are not valid never reach libopus, which prints what it cannot decode', async () => {
  const lines: unknown[] = [];
  const print = console.error;
  console.error = (...line) => void lines.push(line);
  try {
    const [head, tags] = pagesOf(toneOpus);
    // CELT and hybrid packets of noise, of every length and code.
    const packets = Array.from({ length: 200 }, (_, i) => {
      const packet = Uint8Array.from(noise(3 + (i % 90), i + 1), (v) => 128 + 127 * v);
      packet[0] = 8 * (12 + (i % 20)) + (i % 4);
      return packet;
    });
    const pages = [0, 1, 2, 3].map((n) =>
      oggPage({
        serial: serialOf(toneOpus),
        sequence: 2 + n,
        flags: 0,
        granule: 48000 * (n + 1),
        packets: packets.slice(50 * n, 50 * n + 50),
      }),
    );
    const warnings: Warning[] = [];
    const samples = await decodeWhole(join(head!, tags!, ...pages), { onWarning: (w) => void warnings.push(w) });
    assert.ok(samples.length > 0);
    assert.is(warnings[0]?.code, 'audioDamaged');
  } finally {
    console.error = print;
  }
  assert.equal(lines, []);
});

test('a decoder that traps is left, and another one goes on', async () => {
  let nOpened = 0;
  const open = async (): Promise<PacketDecoder> => {
    nOpened++;
    let nDecoded = 0;
    return {
      decodeFrame() {
        if (++nDecoded === 3) throw new Error('memory access out of bounds');
        return { channelData: [new Float32Array(960)], samplesDecoded: 960, sampleRate: 48000, errors: [] };
      },
      free() {
        throw new Error('memory access out of bounds');
      },
    };
  };
  const libopus = new Libopus({ channels: 1 }, open);
  const packet = Uint8Array.of(31 * 8, 1, 2, 3);
  const lengths: (number | undefined)[] = [];
  for (let i = 0; i < 7; i++) lengths.push((await libopus.decode(packet))?.[0]?.length);
  assert.equal(lengths, [960, 960, undefined, 960, 960, undefined, 960]);
  assert.is(nOpened, 3);
  libopus.close();
  // But not for ever.
  const again = new Libopus({ channels: 1 }, open);
  const code = await codeOf(async () => {
    for (let i = 0; i < 1000; i++) await again.decode(packet);
  });
  assert.is(code, 'malformed');
});

test('what ffmpeg hears of joined, mixed and cut files', async () => {
  if (!ffmpegOrSkip('Ogg against ffmpeg')) return;
  const sound = sweep(130_000, 1);
  const encode = (rate: number, nChannels: number, ...codec: readonly string[]): Uint8Array =>
    ffmpegEncode(sound, rate, nChannels, ['-f', 'ogg', '-c:a', ...codec]);
  const [v1, v2, o1, o2, f1, f2, v5] = [
    encode(44100, 1, 'libvorbis'),
    encode(22050, 2, 'libvorbis'),
    encode(48000, 1, 'libopus', '-b:a', '64k'),
    encode(48000, 2, 'libopus', '-b:a', '96k'),
    encode(44100, 1, 'flac', '-sample_fmt', 's16'),
    encode(22050, 2, 'flac', '-sample_fmt', 's16'),
    encode(48000, 5, 'libvorbis'),
  ];
  const damaged = v1.slice();
  damaged[Math.floor(damaged.length / 2)]! ^= 0x40;
  const cases: readonly (readonly [name: string, file: Uint8Array, largest: number])[] = [
    ['Vorbis', v1, 1],
    ['Vorbis, 5 channels', v5, 1],
    ['Vorbis, other rate and channels', join(v1, v2), 1],
    ['Vorbis, three', join(v2, v1, v1), 1],
    ['Vorbis, one serial number', join(withSerial(v1, 7), withSerial(v2, 7)), 1],
    ['Vorbis, a damaged page', damaged, 1],
    ['Vorbis, cut off', v1.subarray(0, v1.length - 2000), 1],
    // Behind the joint the two decoders differ for some frames.
    ['Opus, other channels', join(o1, o2), 200],
    ['Opus, fewer channels', join(o2, o1), 200],
    ['Opus, one serial number', join(withSerial(o1, 7), withSerial(o1, 7)), 200],
    ['FLAC', join(f1, f2), 0],
    ['FLAC, one serial number', join(withSerial(f1, 7), withSerial(f2, 7)), 0],
    ['two together', together(v1, o2), 60],
  ];
  for (const [name, file, largest] of cases) await isAsFfmpegHears(file, largest, name);
  for (const [name, file, largest] of [
    ['Opus after Vorbis', join(v1, o1), 1],
    ['Vorbis after FLAC', join(f2, v2), 0],
    ['FLAC after Opus', join(o1, f1), 60],
  ] as const) {
    await isAsFfmpegHears(file, largest, name);
    const codes: string[] = [];
    await decodeWhole(file, { onWarning: ({ code }) => codes.push(code) });
    assert.equal(codes, ['audioTruncated'], name);
  }
});

test.run();
