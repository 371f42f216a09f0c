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
import type { ChannelSamples, PcmPiece, SampleFormat } from '../pcm.ts';

const MAX_CHANNELS = 64;

export type Encoding = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64' | 'aLaw' | 'muLaw';

export interface WavFormat {
  readonly encoding: Encoding;
  readonly isLittle: boolean;
  readonly sampleRate: number;
  readonly nChannels: number;
  readonly channelMask: number;
  readonly frameBytes: number;
}

/** Samples of all whole frames in `bytes`. */
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
    case 'f32': {
      const read = channelReader(wav, allocate.f32, (view, at) => view.getFloat32(at, isLittle));
      return (bytes) => ({ ...wav, sampleFormat: 'f32', channels: read(bytes) });
    }
    case 'f64': {
      const read = channelReader(wav, allocate.f64, (view, at) => view.getFloat64(at, isLittle));
      return (bytes) => ({ ...wav, sampleFormat: 'f64', channels: read(bytes) });
    }
  }

  function s16(sample: ReadSample): ReadFrames {
    const read = channelReader(wav, allocate.s16, sample);
    return (bytes) => ({ ...wav, sampleFormat: 's16', channels: read(bytes) });
  }
  function s32(sample: ReadSample): ReadFrames {
    const read = channelReader(wav, allocate.s32, sample);
    return (bytes) => ({ ...wav, sampleFormat: 's32', channels: read(bytes) });
  }
}

type ReadSample = (view: DataView, at: number) => number;

/** @returns samples of the whole frames in `bytes`; shape [nChannels][nFrames] */
function channelReader<S extends ChannelSamples[SampleFormat]>(
  { nChannels, frameBytes }: WavFormat,
  create: (length: number) => S,
  sample: ReadSample,
): (bytes: Uint8Array) => S[] {
  const sampleBytes = frameBytes / nChannels;
  return (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const nFrames = Math.floor(bytes.length / frameBytes);
    return Array.from({ length: nChannels }, (_, c) => {
      const channel = create(nFrames);
      let at = c * sampleBytes;
      for (let i = 0; i < nFrames; i++, at += frameBytes) channel[i] = sample(view, at);
      return channel;
    });
  };
}

const allocate: { readonly [F in SampleFormat]: (length: number) => ChannelSamples[F] } = {
  s16: (length) => new Int16Array(length),
  s32: (length) => new Int32Array(length),
  f32: (length) => new Float32Array(length),
  f64: (length) => new Float64Array(length),
};

/**
 * @param bytes the contents of a "fmt " chunk, as far as they are there; from byte 40 on they do not matter
 * @param size  bytes that the chunk should have
 * @throws {AudioError} `truncated`, `malformed`, `unsupported`
 */
export function readWavFormat(bytes: Uint8Array, size: number, isLittle: boolean): WavFormat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const needed = size >= 16 ? 16 : 14;
  if (size < 14) throw malformedWav(`its "fmt " chunk has ${size} bytes, not 14 or more`);
  if (bytes.length < needed) throw new AudioError('truncated', 'The WAV file ends within its "fmt " chunk.');
  let tag = view.getUint16(0, isLittle);
  const nChannels = view.getUint16(2, isLittle);
  const sampleRate = view.getUint32(4, isLittle);
  const blockBytes = view.getUint16(12, isLittle);
  const bits = size >= 16 ? view.getUint16(14, isLittle) : 8;
  let channelMask = 0;
  if (tag === 0xfffe) {
    if (size < 40 || bytes.length < 40) throw malformedWav('its extensible "fmt " chunk is shorter than 40 bytes');
    channelMask = view.getUint32(20, isLittle);
    tag = view.getUint16(24, isLittle);
  }
  if (nChannels < 1 || nChannels > MAX_CHANNELS)
    throw malformedWav(`it has ${nChannels} channels, not 1 to ${MAX_CHANNELS}`);
  if (sampleRate === 0) throw malformedWav('its sample rate is 0');
  // Samples are left-justified in whole bytes; a frame may give them more bytes than their bits need.
  const minBytes = Math.ceil(bits / 8);
  const sampleBytes =
    blockBytes % nChannels === 0 && blockBytes / nChannels >= minBytes ? blockBytes / nChannels : minBytes;
  const encoding = ENCODINGS.get(`${tag}/${sampleBytes}`);
  if (!encoding) {
    throw new AudioError('unsupported', `The WAV file has samples of format 0x${tag.toString(16)} with ${bits} bits.`);
  }
  return { encoding, isLittle, sampleRate, nChannels, channelMask, frameBytes: nChannels * sampleBytes };
}

/** By format tag and bytes a sample. */
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['1/1', 'u8'],
  ['1/2', 's16'],
  ['1/3', 's24'],
  ['1/4', 's32'],
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
