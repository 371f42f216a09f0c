/**
 * A recording in any container to mono 16 kHz samples. What it is follows from its first bytes, never from its name:
 * WAV and FLAC are read here, MP3, Ogg Opus and Ogg Vorbis by WebAssembly decoders that are loaded when they are needed
 * (except for SILK, a part of Opus, which is decoded here too), everything else by `transcode`, where the platform has
 * one (ffmpeg).
 */
import { startsWith } from '../base/bytes.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { isFlac, isOggFlac, readFlac, unwrapOggFlac } from './codecs/flac.ts';
import { findMpegFrame, readMp3 } from './codecs/mp3.ts';
import { isOggOpus, isOggVorbis, readOggOpus, readOggVorbis } from './codecs/oggOpusVorbis.ts';
import { isOgg, OggPages } from './containers/ogg.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import { readMonoSamples } from './monoSamples.ts';
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

type Samples = Float32Array<ArrayBuffer>;

interface Recognized {
  readonly kind: AudioKind;
  /** Hands a source of its samples to `use`; absent where nothing here can. */
  readonly read?: (use: UseSource<Promise<Samples>>, options: Pick<CallOptions, 'onWarning'>) => Promise<Samples>;
}

/** Starts of containers in whose bytes an MPEG frame might be found by chance: Matroska, AVI, AIFF, CAF, AU. */
const OTHER_CONTAINERS = ['\x1aE\xdf\xa3', 'RIFF', 'FORM', 'caff', '.snd'];

/** What a recording is, by its content. */
export function audioKind(bytes: Uint8Array): AudioKind {
  return recognize(bytes).kind;
}

/**
 * @param bytes a whole file
 * @returns mono, 16 kHz, in [-1, 1]: the 16-bit values of `ffmpeg -ac 1 -ar 16000` / 32768; shape [nSamples]
 * @throws {AudioError} `empty` for a file of no bytes; `unsupported` if neither we nor the platform can decode it;
 *   `malformed`, `truncated`, `channels`, `sampleRate`, `nonFinite` as the readers say
 */
export async function decodeAudio(bytes: Uint8Array, options: DecodeAudioOptions = {}): Promise<Samples> {
  const { signal, transcode, fileName, onWarning } = options;
  signal?.throwIfAborted();
  if (bytes.length === 0) throw new AudioError('empty', `${fileName ?? 'The file'} is empty.`);
  try {
    const { read } = recognize(bytes);
    if (read)
      return await read((source) => readMonoSamples(source, { ...options, nBytes: bytes.length }), { onWarning });
    throw new AudioError('unsupported', `${fileName ?? 'The file'} is not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`, {
      hint: 'Install ffmpeg, which decodes everything else, or convert the file to WAV.',
    });
  } catch (error) {
    if (!transcode || !(error instanceof AudioError) || error.code !== 'unsupported') throw error;
    const samples = await transcode(bytes, signal);
    return Float32Array.from(samples, (v) => v / 32768);
  }
}

function recognize(bytes: Uint8Array): Recognized {
  if (isWav(bytes)) return { kind: 'wav', read: (use, options) => readWav(bytes, use, options) };
  if (isOgg(bytes)) return recognizeOgg(new OggPages(bytes));
  if (isFlac(bytes)) return { kind: 'flac', read: (use, options) => readFlac(bytes, use, options) };
  const isOther = startsWith(bytes, 'ftyp', 4) || OTHER_CONTAINERS.some((mark) => startsWith(bytes, mark));
  const frame = isOther ? undefined : findMpegFrame(bytes);
  if (frame) return { kind: 'mp3', read: (use, options) => readMp3(bytes, frame, use, options) };
  return { kind: 'other' };
}

function recognizeOgg(pages: OggPages): Recognized {
  if (isOggFlac(pages)) return { kind: 'flac', read: (use, options) => readFlac(unwrapOggFlac(pages), use, options) };
  if (isOggOpus(pages)) return { kind: 'ogg opus', read: (use, options) => readOggOpus(pages, use, options) };
  if (isOggVorbis(pages)) return { kind: 'ogg vorbis', read: (use, options) => readOggVorbis(pages, use, options) };
  return { kind: 'other' };
}
