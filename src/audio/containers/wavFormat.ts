/**
 * The format of a WAV file and its samples as numbers.
 *
 * Chunk "fmt ":
 *   0  2  format: 1 integer, 3 float, 6 A-law, 7 mu-law, 0xFFFE: see offset 24
 *   2  2  channels
 *   4  4  sample rate
 *   8  4  bytes a second (not used)
 *  12  2  bytes a frame
 *  14  2  bits a sample
 *  16  2  size of the rest, 22 for 0xFFFE:
 *  18  2  valid bits (the sample is left-justified in its bytes)
 *  20  4  speakers, one bit each
 *  24 16  format as a GUID: the format above, then 00 00 00 00 10 00 80 00 00 AA 00 38 9B 71
 */
import { AudioError } from '../../base/errors.ts';
import { SAMPLE_RATE } from '../constants.ts';
import type { ChannelSamples, PcmPiece, SampleFormat } from '../pcm.ts';

const MAX_CHANNELS = 64;

export type Encoding = 'u8' | 's16' | 's24' | 's32' | 's64' | 'f32' | 'f64' | 'aLaw' | 'muLaw';

export interface WavFormat {
  readonly encoding: Encoding;
  readonly isLittle: boolean;
  readonly sampleRate: number;
  readonly nChannels: number;
  readonly channelMask: number;
  readonly frameBytes: number;
}

/** Samples of all whole frames in `bytes`, in arrays that are valid until the next call. */
export type ReadFrames = (bytes: Uint8Array) => PcmPiece;

export function frameReader(wav: WavFormat): ReadFrames {
  const { isLittle } = wav;
  switch (wav.encoding) {
    case 'u8':
      return s16((view, at) => (view.getUint8(at) - 128) << 8);
    case 's16':
      return s16((view, at) => view.getInt16(at, isLittle));
    case 'aLaw':
      return s16((view, at) => A_LAW[view.getUint8(at)]!);
    case 'muLaw':
      return s16((view, at) => MU_LAW[view.getUint8(at)]!);
    case 's24':
      return s32(isLittle ? littleS24 : bigS24);
    case 's32':
      return s32((view, at) => view.getInt32(at, isLittle));
    case 's64': {
      // Without a mixer or resampler ffmpeg keeps the upper bits.
      if (wav.sampleRate === SAMPLE_RATE && wav.nChannels === 1) {
        return s16((view, at) => view.getInt16(at + (isLittle ? 6 : 0), isLittle));
      }
      const read = channelReader<'f64'>(
        wav,
        allocate.f64,
        (view, at) => Number(view.getBigInt64(at, isLittle)) / 2 ** 63,
      );
      return (bytes) => ({ ...wav, sampleFormat: 'f64', channels: read(bytes) });
    }
    case 'f32': {
      const read = channelReader<'f32'>(wav, allocate.f32, (view, at) => view.getFloat32(at, isLittle));
      return (bytes) => ({ ...wav, sampleFormat: 'f32', channels: read(bytes) });
    }
    case 'f64': {
      const read = channelReader<'f64'>(wav, allocate.f64, (view, at) => view.getFloat64(at, isLittle));
      return (bytes) => ({ ...wav, sampleFormat: 'f64', channels: read(bytes) });
    }
  }

  function s16(sample: ReadSample): ReadFrames {
    const read = channelReader<'s16'>(wav, allocate.s16, sample);
    return (bytes) => ({ ...wav, sampleFormat: 's16', channels: read(bytes) });
  }
  function s32(sample: ReadSample): ReadFrames {
    const read = channelReader<'s32'>(wav, allocate.s32, sample);
    return (bytes) => ({ ...wav, sampleFormat: 's32', channels: read(bytes) });
  }
}

type ReadSample = (view: DataView, at: number) => number;

/** @returns samples of the whole frames in `bytes`, valid until the next call; shape [nChannels][nFrames] */
function channelReader<F extends SampleFormat>(
  { nChannels, frameBytes }: WavFormat,
  create: (length: number) => ChannelSamples[F],
  sample: ReadSample,
): (bytes: Uint8Array) => ChannelSamples[F][] {
  const sampleBytes = frameBytes / nChannels;
  const channels = Array.from({ length: nChannels }, () => create(0));
  return (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const nFrames = Math.floor(bytes.length / frameBytes);
    return channels.map((kept, c) => {
      const channel = kept.length < nFrames ? create(nFrames) : kept;
      channels[c] = channel;
      let at = c * sampleBytes;
      for (let i = 0; i < nFrames; i++, at += frameBytes) channel[i] = sample(view, at);
      return channel.subarray(0, nFrames) as ChannelSamples[F]; // the type that it is called on
    });
  };
}

const allocate: { readonly [F in SampleFormat]: (length: number) => ChannelSamples[F] } = {
  s16: (length) => new Int16Array(length),
  s32: (length) => new Int32Array(length),
  f32: (length) => new Float32Array(length),
  f64: (length) => new Float64Array(length),
};

/** Whether the samples are MPEG audio. @param bytes the contents of a "fmt " chunk, as far as they are there */
export function isMpegFormat(bytes: Uint8Array, isLittle: boolean): boolean {
  if (bytes.length < 2) return false;
  const tag = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0, isLittle);
  return tag === 0x50 || tag === 0x55;
}

/**
 * @param bytes the contents of a "fmt " chunk, as far as they are there; from byte 40 on they do not matter
 * @param size  bytes that the chunk should have
 * @throws {AudioError} `truncated`, `malformed`, `unsupported`
 */
export function readWavFormat(bytes: Uint8Array, size: number, isLittle: boolean): WavFormat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const needed = size === 14 ? 14 : 16;
  if (size < 14) throw malformedWav(`its "fmt " chunk has ${size} bytes, not 14 or more`);
  if (bytes.length < needed) throw new AudioError('truncated', 'The WAV file ends within its "fmt " chunk.');
  let tag = view.getUint16(0, isLittle);
  const nChannels = view.getUint16(2, isLittle);
  const sampleRate = view.getUint32(4, isLittle);
  const blockBytes = view.getUint16(12, isLittle);
  const bits = size !== 14 ? view.getUint16(14, isLittle) : 8;
  let channelMask = 0;
  if (tag === 0xfffe) {
    if (size < 40 || bytes.length < 40) throw malformedWav('its extensible "fmt " chunk is shorter than 40 bytes');
    channelMask = view.getUint32(20, isLittle);
    tag = view.getUint16(24, isLittle);
  }
  if (nChannels < 1 || nChannels > MAX_CHANNELS)
    throw malformedWav(`it has ${nChannels} channels, not 1 to ${MAX_CHANNELS}`);
  if (sampleRate === 0) throw malformedWav('its sample rate is 0');
  const sampleBytes = bytesOfSample(tag, bits, blockBytes / nChannels);
  const encoding = ENCODINGS.get(`${tag}/${sampleBytes}`);
  if (!encoding) {
    const codec = CODECS.get(tag);
    const what = codec ?? `of format 0x${tag.toString(16)} with ${bits} bits`;
    throw new AudioError('unsupported', `The WAV file has samples ${codec ? 'in ' : ''}${what}.`, {
      hint: 'Install ffmpeg, which decodes them, or convert the file to WAV with 16 bits.',
    });
  }
  return { encoding, isLittle, sampleRate, nChannels, channelMask, frameBytes: nChannels * sampleBytes };
}

/**
 * Bits say how many bytes a sample has, as for ffmpeg, whatever the frame is said to have; except that 17 to 24 bits may
 * stand left-justified in four bytes, where ffmpeg makes noise of them.
 *
 * @param frameShare bytes that a frame is said to have for each channel
 */
function bytesOfSample(tag: number, bits: number, frameShare: number): number {
  if (tag === A_LAW_TAG || tag === MU_LAW_TAG) return 1;
  const bytes = Math.ceil(bits / 8);
  return tag === 1 && bytes === 3 && frameShare === 4 ? 4 : bytes;
}

const A_LAW_TAG = 6;
const MU_LAW_TAG = 7;

/** Names of some that are not read here. */
const CODECS: ReadonlyMap<number, string> = new Map([
  [0x02, 'ADPCM (Microsoft)'],
  [0x11, 'ADPCM (IMA)'],
  [0x14, 'G.723'],
  [0x31, 'GSM'],
  [0x40, 'G.721'],
  [0x45, 'G.726'],
  [0x64, 'G.726'],
  [0x69, 'ADPCM (IMA)'],
  [0x83, 'G.729'],
  [0xff, 'AAC'],
  [0x160, 'WMA'],
  [0x161, 'WMA'],
  [0x162, 'WMA'],
  [0x1610, 'AAC'],
  [0x2000, 'AC-3'],
]);

/** By format tag and bytes a sample. */
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1/1', 'u8'],
  ['1/2', 's16'],
  ['1/3', 's24'],
  ['1/4', 's32'],
  ['1/8', 's64'],
  ['3/4', 'f32'],
  ['3/8', 'f64'],
  ['6/1', 'aLaw'],
  ['7/1', 'muLaw'],
]);

const littleS24 = (view: DataView, at: number): number =>
  (view.getUint8(at) << 8) | (view.getUint8(at + 1) << 16) | (view.getUint8(at + 2) << 24);

const bigS24 = (view: DataView, at: number): number =>
  (view.getUint8(at + 2) << 8) | (view.getUint8(at + 1) << 16) | (view.getUint8(at) << 24);

/** G.711: sign, 3 bits of exponent, 4 of mantissa, all inverted; 14 bits, here times 4. */
const MU_LAW = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
});

/** G.711: sign, 3 bits of exponent, 4 of mantissa, every other bit inverted; 13 bits, here times 8. */
const A_LAW = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55;
  const exponent = (bits & 0x70) >> 4;
  const mantissa = 2 * (bits & 0x0f) + 1;
  const magnitude = exponent === 0 ? mantissa << 3 : (mantissa + 32) << (exponent + 2);
  return bits & 0x80 ? magnitude : -magnitude;
});

export function malformedWav(what: string): AudioError {
  return new AudioError('malformed', `The WAV file cannot be read: ${what}.`);
}
