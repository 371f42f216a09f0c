/**
 * A recording in any container to mono 16 kHz samples. What it is is told from its first bytes, never from its name:
 * WAV and FLAC are read here, MP3, Ogg Opus and Ogg Vorbis by WebAssembly decoders that are loaded when they are needed
 * (but for Opus' SILK, which is ours, too), everything else by `transcode`, where the platform has one (ffmpeg).
 */
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { isFlac, readFlac } from './codecs/flac.ts';
import { isMp3, readMp3 } from './codecs/mp3.ts';
import { oggCodec, readOggOpus, readOggVorbis } from './codecs/oggOpusVorbis.ts';
import { isOgg } from './containers/ogg.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import { drain } from './monoSamples.ts';
import type { UseSource } from './pcm.ts';

/**
 * Decodes what nothing here can: a recording in, mono 16 kHz 16-bit samples out.
 * @throws {AudioError} `undecodable` if it is no recording either
 */
export type Transcode = (input: Uint8Array, signal: AbortSignal | undefined) => Promise<Int16Array>;

export interface DecodeAudioOptions extends CallOptions {
  readonly transcode?: Transcode | undefined;
  /** For messages and progress only. */
  readonly fileName?: string | undefined;
}

export type AudioKind = 'wav' | 'flac' | 'mp3' | 'ogg opus' | 'ogg vorbis' | 'other';

/** What a recording is, by its content. */
export function audioKind(bytes: Uint8Array): AudioKind {
  if (isWav(bytes)) return 'wav';
  if (isFlac(bytes)) return 'flac';
  if (isOgg(bytes)) {
    const codec = oggCodec(bytes);
    return codec === 'other' ? 'other' : `ogg ${codec}`;
  }
  if (!isForeign(bytes) && isMp3(bytes)) return 'mp3';
  return 'other';
}

/**
 * @param bytes a whole file
 * @returns mono, 16 kHz, in [-1, 1]: the 16-bit values of `ffmpeg -ac 1 -ar 16000` / 32768; shape [nSamples]
 * @throws {AudioError} `empty` for a file of no bytes; `unsupported` if neither we nor the platform can decode it;
 *   `malformed`, `truncated`, `channels`, `sampleRate`, `nonFinite` as the readers say
 */
export async function decodeAudio(
  bytes: Uint8Array,
  options: DecodeAudioOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const { signal, transcode, fileName, onWarning } = options;
  signal?.throwIfAborted();
  if (bytes.length === 0) throw new AudioError('empty', `${fileName ?? 'The file'} is empty.`);
  const warn = { onWarning };
  const use: UseSource<Promise<Float32Array<ArrayBuffer>>> = (source) =>
    drain(source, { ...options, nBytes: bytes.length });
  try {
    switch (audioKind(bytes)) {
      case 'wav':
        return await readWav(bytes, use, warn);
      case 'flac':
        return await readFlac(bytes, use, warn);
      case 'mp3':
        return await readMp3(bytes, use, warn);
      case 'ogg opus':
        return await readOggOpus(bytes, use, warn);
      case 'ogg vorbis':
        return await readOggVorbis(bytes, use, warn);
      case 'other':
        throw new AudioError(
          'unsupported',
          `${fileName ?? 'The file'} is not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`,
          {
            hint: 'Install ffmpeg, which decodes everything else, or convert the file to WAV.',
          },
        );
    }
  } catch (error) {
    if (!transcode || !(error instanceof AudioError) || error.code !== 'unsupported') throw error;
    const samples = await transcode(bytes, signal);
    return Float32Array.from(samples, (v) => v / 32768);
  }
}

/** Containers in whose bytes an MPEG frame might be found by chance: MP4, Matroska, AVI, AIFF, CAF, AU. */
function isForeign(bytes: Uint8Array): boolean {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  const isMp4 = String.fromCharCode(...bytes.subarray(4, 8)) === 'ftyp';
  return isMp4 || ['\x1aE\xdf\xa3', 'RIFF', 'FORM', 'caff', '.snd'].includes(magic);
}
