/**
 * WAV of every kind that holds plain samples: 8, 16, 24 and 32-bit integers, 32 and 64-bit floats, mu-law, A-law;
 * RIFF, RIFX (big-endian) and RF64/BW64 (64-bit sizes). Damaged files are read as ffmpeg reads them: a data chunk that
 * is longer than the file ends with the file, half a frame at the end is dropped, a data size of 0 or 0xFFFFFFFF
 * (a recorder that could not go back) means "to the end", of several data chunks the last one counts.
 *
 * File:
 *   0  4  "RIFF" | "RIFX" | "RF64" | "BW64"
 *   4  4  size (not used)
 *   8  4  "WAVE"
 *  12  -  chunks, each: 4 name, 4 size, data; the next one starts at an even offset
 * Chunk "fmt ":
 *   0  2  format: 1 integer, 3 float, 6 A-law, 7 mu-law, 0xFFFE: see offset 24
 *   2  2  channels
 *   4  4  sample rate
 *   8  4  bytes a second (not used)
 *  12  2  bytes a frame
 *  14  2  bits a sample
 *  16  2  size of what follows, 22 for 0xFFFE:
 *  18  2  bits that are valid (the sample stays left-justified in its bytes)
 *  20  4  speakers, a bit each
 *  24 16  format as a GUID: the format above, then 00 00 00 00 10 00 80 00 00 AA 00 38 9B 71
 * Chunk "ds64" (first chunk of RF64/BW64): 8 file size, 8 data size, 8 samples
 */
import { AudioError } from '../errors.js';
import type { CallOptions } from '../progress.js';
import type { PcmFormat, Planes, SampleFormat, UseSource } from './pcm.js';

/** Frames decoded at once. */
const framesAtOnce = 1 << 16;
const maxChannels = 64;

export function isWav(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  return ['RIFF', 'RIFX', 'RF64', 'BW64'].includes(ascii(bytes, 0)) && ascii(bytes, 8) === 'WAVE';
}

/**
 * Reads the header and hands a source of the samples to `use`.
 *
 * @throws {AudioError} `truncated` if the file ends within its header; `malformed` if the header cannot be;
 *   `unsupported` if the samples are compressed by a codec
 */
export function readWav<R>(bytes: Uint8Array, use: UseSource<R>, options: Pick<CallOptions, 'onWarning'> = {}): R {
  const header = readHeader(bytes, options);
  switch (header.encoding) {
    case 'u8':
      return source('s16', header, (at) => (header.view.getUint8(at) - 128) << 8);
    case 's16':
      return source('s16', header, (at) => header.view.getInt16(at, header.isLittle));
    case 'aLaw':
      return source('s16', header, (at) => aLaw[header.view.getUint8(at)]!);
    case 'muLaw':
      return source('s16', header, (at) => muLaw[header.view.getUint8(at)]!);
    case 's24':
      return source('s32', header, header.isLittle ? littleS24(header.view) : bigS24(header.view));
    case 's32':
      return source('s32', header, (at) => header.view.getInt32(at, header.isLittle));
    case 'f32':
      return source('f32', header, (at) => header.view.getFloat32(at, header.isLittle));
    case 'f64':
      return source('f64', header, (at) => header.view.getFloat64(at, header.isLittle));
  }

  function source<F extends SampleFormat>(sampleFormat: F, wav: Header, read: (at: number) => number): R {
    const { sampleRate, nChannels, channelMask, frameBytes, dataStart } = wav;
    const format: PcmFormat<F> = { sampleFormat, sampleRate, nChannels, channelMask };
    const nFrames = Math.floor((wav.dataEnd - dataStart) / frameBytes);
    const sampleBytes = frameBytes / nChannels;
    return use({
      format,
      *pieces() {
        for (let frame = 0; frame < nFrames; frame += framesAtOnce) {
          const n = Math.min(framesAtOnce, nFrames - frame);
          const planes: Planes[F][] = [];
          for (let channel = 0; channel < nChannels; channel++) {
            const plane = allocate[sampleFormat](n);
            let at = dataStart + frame * frameBytes + channel * sampleBytes;
            for (let i = 0; i < n; i++, at += frameBytes) plane[i] = read(at);
            planes.push(plane);
          }
          yield { planes, done: (frame + n) / nFrames };
        }
      },
    });
  }
}

const allocate: { readonly [F in SampleFormat]: (length: number) => Planes[F] } = {
  s16: (length) => new Int16Array(length),
  s32: (length) => new Int32Array(length),
  f32: (length) => new Float32Array(length),
  f64: (length) => new Float64Array(length),
};

type Encoding = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64' | 'aLaw' | 'muLaw';

interface Header {
  readonly view: DataView;
  readonly isLittle: boolean;
  readonly encoding: Encoding;
  readonly sampleRate: number;
  readonly nChannels: number;
  readonly channelMask: number;
  readonly frameBytes: number;
  readonly dataStart: number;
  readonly dataEnd: number;
}

function readHeader(bytes: Uint8Array, { onWarning }: Pick<CallOptions, 'onWarning'>): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = ascii(bytes, 0) !== 'RIFX';
  const is64 = ['RF64', 'BW64'].includes(ascii(bytes, 0));
  let dataSize64: number | undefined;
  let format: Pick<Header, 'encoding' | 'sampleRate' | 'nChannels' | 'channelMask' | 'frameBytes'> | undefined;
  let data: { readonly start: number; readonly size: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = ascii(bytes, at);
    const start = at + 8;
    let size = view.getUint32(at + 4, isLittle);
    if (name === 'fmt ' && !format) format = readFormat(view, start, size, isLittle);
    if (name === 'ds64' && is64 && size >= 24 && start + 24 <= bytes.length) {
      dataSize64 = Number(view.getBigUint64(start + 8, true));
    }
    if (name === 'data') {
      if (is64 && dataSize64 !== undefined) size = dataSize64;
      else if (size === 0 || size === 0xffffffff) size = Number.POSITIVE_INFINITY;
      data = { start, size };
    }
    at = start + size;
    at += at % 2;
  }
  if (!format) throw malformed('it has no "fmt " chunk');
  if (!data) throw malformed('it has no "data" chunk');
  const dataEnd = Math.min(data.start + data.size, bytes.length);
  if (Number.isFinite(data.size) && data.start + data.size > bytes.length) {
    const message = `The WAV file should have ${data.size} bytes of sound and has ${dataEnd - data.start}: it is cut off.`;
    onWarning?.({ code: 'audioTruncated', message });
  }
  return { view, isLittle, ...format, dataStart: data.start, dataEnd };
}

function readFormat(view: DataView, start: number, size: number, isLittle: boolean) {
  const needed = size >= 16 ? 16 : 14;
  if (size < 14) throw malformed(`its "fmt " chunk has ${size} bytes, not 14 or more`);
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
      throw malformed('its extensible "fmt " chunk is shorter than 40 bytes');
    channelMask = view.getUint32(start + 20, isLittle);
    tag = view.getUint16(start + 24, isLittle);
  }
  if (nChannels < 1 || nChannels > maxChannels)
    throw malformed(`it has ${nChannels} channels, not 1 to ${maxChannels}`);
  if (sampleRate === 0) throw malformed('its sample rate is 0');
  // Samples stand left-justified in whole bytes; a frame may give them more bytes than their bits need.
  const leastBytes = Math.ceil(bits / 8);
  const sampleBytes =
    blockBytes % nChannels === 0 && blockBytes / nChannels >= leastBytes ? blockBytes / nChannels : leastBytes;
  const encoding = encodings.get(`${tag}/${sampleBytes}`);
  if (!encoding) {
    throw new AudioError('unsupported', `The WAV file holds format 0x${tag.toString(16)} with ${bits} bits a sample.`);
  }
  return { encoding, sampleRate, nChannels, channelMask, frameBytes: nChannels * sampleBytes };
}

/** Format tag and bytes a sample. */
const encodings: ReadonlyMap<string, Encoding> = new Map([
  ['1/1', 'u8'],
  ['1/2', 's16'],
  ['1/3', 's24'],
  ['1/4', 's32'],
  ['3/4', 'f32'],
  ['3/8', 'f64'],
  ['6/1', 'aLaw'],
  ['7/1', 'muLaw'],
]);

const littleS24 = (view: DataView) => (at: number) =>
  (view.getUint8(at) << 8) | (view.getUint8(at + 1) << 16) | (view.getUint8(at + 2) << 24);

const bigS24 = (view: DataView) => (at: number) =>
  (view.getUint8(at + 2) << 8) | (view.getUint8(at + 1) << 16) | (view.getUint8(at) << 24);

/** G.711: sign, 3 bits of exponent, 4 of mantissa, all inverted; 14 bits, here times 4. */
const muLaw = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
});

/** G.711: every other bit inverted; 13 bits, here times 8. */
const aLaw = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = code ^ 0x55;
  const exponent = (bits & 0x70) >> 4;
  const mantissa = 2 * (bits & 0x0f) + 1;
  const magnitude = exponent === 0 ? mantissa << 3 : (mantissa + 32) << (exponent + 2);
  return bits & 0x80 ? magnitude : -magnitude;
});

function ascii(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function malformed(what: string): AudioError {
  return new AudioError('malformed', `The WAV file cannot be read: ${what}.`);
}
