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
import type { ChannelSamples, PcmFormat, SampleFormat } from '../pcm.ts';
import { isLittleEndian, type WavChunk } from './wavChunks.ts';

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

/** Reads samples of one encoding. */
export interface FrameReader<F extends SampleFormat> {
  readonly format: PcmFormat<F>;
  /** `nFrames` frames from byte `at` on; shape [nChannels][nFrames] */
  read(view: DataView, at: number, nFrames: number): ChannelSamples[F][];
}

type UseReader<R> = <F extends SampleFormat>(reader: FrameReader<F>) => R;

/** Hands a reader of the format to `use`, whatever its sample format. */
export function withFrameReader<R>(wav: WavFormat, use: UseReader<R>): R {
  const { isLittle } = wav;
  switch (wav.encoding) {
    case 'u8':
      return reader('s16', (view, at) => (view.getUint8(at) - 128) << 8);
    case 's16':
      return reader('s16', (view, at) => view.getInt16(at, isLittle));
    case 'aLaw':
      return reader('s16', (view, at) => A_LAW[view.getUint8(at)]!);
    case 'muLaw':
      return reader('s16', (view, at) => MU_LAW[view.getUint8(at)]!);
    case 's24':
      return reader('s32', isLittle ? littleS24 : bigS24);
    case 's32':
      return reader('s32', (view, at) => view.getInt32(at, isLittle));
    case 'f32':
      return reader('f32', (view, at) => view.getFloat32(at, isLittle));
    case 'f64':
      return reader('f64', (view, at) => view.getFloat64(at, isLittle));
  }

  function reader<F extends SampleFormat>(sampleFormat: F, sample: (view: DataView, at: number) => number): R {
    const { sampleRate, nChannels, channelMask, frameBytes } = wav;
    const sampleBytes = frameBytes / nChannels;
    return use({
      format: { sampleFormat, sampleRate, nChannels, channelMask },
      read(view, start, nFrames) {
        return Array.from({ length: nChannels }, (_, c) => {
          const channel = allocate[sampleFormat](nFrames);
          let at = start + c * sampleBytes;
          for (let i = 0; i < nFrames; i++, at += frameBytes) channel[i] = sample(view, at);
          return channel;
        });
      },
    });
  }
}

const allocate: { readonly [F in SampleFormat]: (length: number) => ChannelSamples[F] } = {
  s16: (length) => new Int16Array(length),
  s32: (length) => new Int32Array(length),
  f32: (length) => new Float32Array(length),
  f64: (length) => new Float64Array(length),
};

/**
 * @param chunk a "fmt " chunk of the file
 * @throws {AudioError} `truncated`, `malformed`, `unsupported`
 */
export function readWavFormat(bytes: Uint8Array, { start, size }: WavChunk): WavFormat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = isLittleEndian(bytes);
  const needed = size >= 16 ? 16 : 14;
  if (size < 14) throw malformedWav(`its "fmt " chunk has ${size} bytes, not 14 or more`);
  if (start + needed > view.byteLength) {
    throw new AudioError('truncated', `The WAV file ends at byte ${view.byteLength}, within its "fmt " chunk.`);
  }
  let tag = view.getUint16(start, isLittle);
  const nChannels = view.getUint16(start + 2, isLittle);
  const sampleRate = view.getUint32(start + 4, isLittle);
  const blockBytes = view.getUint16(start + 12, isLittle);
  const bits = size >= 16 ? view.getUint16(start + 14, isLittle) : 8;
  let channelMask = 0;
  if (tag === 0xfffe) {
    if (size < 40 || start + 40 > view.byteLength)
      throw malformedWav('its extensible "fmt " chunk is shorter than 40 bytes');
    channelMask = view.getUint32(start + 20, isLittle);
    tag = view.getUint16(start + 24, isLittle);
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
