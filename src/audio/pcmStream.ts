/**
 * Bytes that are still arriving, as a recorder or ffmpeg writes them into a pipe, to mono samples at 16 kHz: a recording
 * that can be read from its start to its end, or raw samples without a header.
 */
import type { CallOptions } from '../base/progress.ts';
import { ByteReader } from './byteReader.ts';
import { SAMPLE_RATE } from './constants.ts';
import { readFrames } from './containers/wav.ts';
import type { Encoding, WavFormat } from './containers/wavFormat.ts';
import { decodeAudio } from './decode.ts';
import { monoSamples } from './monoSamples.ts';

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

/**
 * Samples of a stream of WAV, FLAC, MP3 or Ogg, or of raw samples in the format `raw`.
 *
 * @param bytes in pieces of any length; none at all is no error: a recorder that was stopped at once
 * @returns mono, 16 kHz, in [-1, 1], as `decodeAudio` gives them for the whole, each as soon as it is there
 * @throws {AudioError} what `decodeAudio` throws; the signal's reason
 */
export async function* readPcmStream(
  bytes: AsyncIterable<Uint8Array>,
  raw?: RawPcm,
  options: CallOptions = {},
): AsyncGenerator<Float32Array<ArrayBuffer>, void, undefined> {
  const reader = ByteReader.ofStream(bytes, { signal: options.signal });
  try {
    if ((await reader.peek(1)).length === 0) return;
    if (raw) {
      reader.release();
      for await (const samples of monoSamples(readFrames(reader, rawWav(raw)), options)) yield samples.slice();
    } else {
      yield* decodeAudio(reader, options);
    }
  } finally {
    await reader.close();
  }
}

function rawWav({ format, sampleRate = SAMPLE_RATE, nChannels = 1 }: RawPcm): WavFormat {
  const [encoding, sampleBytes] = RAW_ENCODINGS[format];
  return { encoding, isLittle: true, sampleRate, nChannels, channelMask: 0, frameBytes: sampleBytes * nChannels };
}
