/**
 * Bytes that are still arriving, as a recorder or ffmpeg writes them into a pipe, to mono samples at 16 kHz: WAV, or raw
 * samples without a header.
 */
import { concat } from '../base/bytes.ts';
import { AudioError } from '../base/errors.ts';
import { SAMPLE_RATE } from './constants.ts';
import { isWav, wavChunks } from './containers/wavChunks.ts';
import { type Encoding, malformedWav, readWavFormat, type WavFormat, withFrameReader } from './containers/wavFormat.ts';
import { MonoResampler } from './resample/resample.ts';

/** Encodings of raw samples, under ffmpeg's names. */
export const RAW_FORMATS = ['u8', 's16le', 's24le', 's32le', 'f32le'] as const;
export type RawFormat = (typeof RAW_FORMATS)[number];

/** Samples without a header. */
export interface RawPcm {
  readonly format: RawFormat;
  /** Hz; 16000 when absent. */
  readonly sampleRate?: number | undefined;
  /** Interleaved channels; 1 when absent. */
  readonly nChannels?: number | undefined;
}

/** The same encodings in a WAV file, and bytes a sample. */
const RAW_ENCODINGS: Readonly<Record<RawFormat, readonly [Encoding, number]>> = {
  u8: ['u8', 1],
  s16le: ['s16', 2],
  s24le: ['s24', 3],
  s32le: ['s32', 4],
  f32le: ['f32', 4],
};

/** Size of what every WAV file begins with. */
const RIFF_BYTES = 12;
/** The samples of a WAV stream must begin within this many bytes. */
const MAX_HEADER_BYTES = 1 << 20;

/**
 * Samples of a WAV stream, or of raw samples in the format `raw`.
 *
 * @param bytes in pieces of any length
 * @returns mono, 16 kHz, in [-1, 1], as `decodeAudio` gives them for the whole; one array for each piece of bytes
 * @throws {AudioError} `unsupported` if it does not begin as WAV does (and `raw` is absent); `truncated` if it ends
 *   within the header; `malformed`, `channels`, `sampleRate`, `nonFinite`
 */
export async function* readPcmStream(
  bytes: AsyncIterable<Uint8Array>,
  raw?: RawPcm,
): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
  let decoder = raw && frameDecoder(rawWav(raw));
  let header: Uint8Array = new Uint8Array(0);
  for await (let piece of bytes) {
    if (!decoder) {
      header = concat(Uint8Array, [header, piece]);
      const found = findData(header);
      if (!found) continue;
      decoder = frameDecoder(found.wav, found.size);
      piece = header.subarray(found.start);
    }
    yield decoder.push(piece);
    if (decoder.isComplete) break;
  }
  if (!decoder) {
    // An empty stream is no error: a recorder that was stopped at once.
    if (header.length === 0) return;
    if (header.length < RIFF_BYTES) throw notWav();
    throw new AudioError('truncated', `The WAV stream ends at byte ${header.length}, within its header.`);
  }
  yield decoder.end();
}

interface FrameDecoder {
  /** Whether as many bytes have been read as the header announced. */
  readonly isComplete: boolean;
  push(bytes: Uint8Array): Float32Array<ArrayBuffer>;
  end(): Float32Array<ArrayBuffer>;
}

/** @param size bytes of samples */
function frameDecoder(wav: WavFormat, size = Number.POSITIVE_INFINITY): FrameDecoder {
  return withFrameReader(wav, (reader): FrameDecoder => {
    const resampler = new MonoResampler(reader.format);
    let left = size;
    /** The bytes so far of a frame that is not complete yet. */
    let rest: Uint8Array = new Uint8Array(0);
    return {
      get isComplete() {
        return left <= 0;
      },
      push(bytes) {
        const wanted = bytes.subarray(0, Math.min(bytes.length, left));
        const frames = rest.length === 0 ? wanted : concat(Uint8Array, [rest, wanted]);
        left -= bytes.length;
        const nFrames = Math.floor(frames.length / wav.frameBytes);
        const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
        if (nFrames > 0) resampler.push(reader.read(view, 0, nFrames));
        // Copied, since the caller may reuse its array.
        rest = frames.slice(nFrames * wav.frameBytes);
        return resampler.take();
      },
      end: () => resampler.end(),
    };
  });
}

/** Format, offset and size of the samples; undefined while the header is not complete. */
function findData(bytes: Uint8Array): { wav: WavFormat; start: number; size: number } | undefined {
  if (bytes.length < RIFF_BYTES) return undefined;
  if (!isWav(bytes)) throw notWav();
  let wav: WavFormat | undefined;
  for (const chunk of wavChunks(bytes, 'stream')) {
    const { name, start, size } = chunk;
    if (name === 'data') {
      if (!wav) throw malformedWav('its "data" chunk comes before its "fmt " chunk');
      return { wav, start, size };
    }
    if (start + size > MAX_HEADER_BYTES) throw malformedWav(`its samples begin after byte ${MAX_HEADER_BYTES}`);
    if (start + size > bytes.length) return undefined;
    if (name === 'fmt ') wav ??= readWavFormat(bytes, chunk);
  }
  return undefined;
}

function rawWav({ format, sampleRate = SAMPLE_RATE, nChannels = 1 }: RawPcm): WavFormat {
  const [encoding, sampleBytes] = RAW_ENCODINGS[format];
  return { encoding, isLittle: true, sampleRate, nChannels, channelMask: 0, frameBytes: sampleBytes * nChannels };
}

function notWav(): AudioError {
  return new AudioError('unsupported', 'The stream is not WAV.', {
    hint: 'Say what its samples are (such as s16le), or send it through: ffmpeg -i ... -f wav -',
  });
}
