/** Reads recordings from files, and from all that `webAudio.ts` reads; `ffmpeg` decodes what sotto does not. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { AudioFile } from '../audio/audioFile.ts';
import { type ByteSource, memoryBytes } from '../audio/byteSource.ts';
import { type Sound, samplesSound } from '../audio/sound.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { transcodeWithFfmpeg } from './ffmpeg.ts';
import { decodeOrTranscode, readWebAudio } from './webAudio.ts';

/**
 * @param audio a string is an address if it begins with `http:` or `https:`, else a path
 * @returns mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws {AudioError} `notFound`, `file`; what `decodeAudio` throws; the signal's reason
 */
export async function readAudio(audio: AudioFile, options: CallOptions = {}): Promise<Float32Array> {
  const path = pathOf(audio);
  if (path === undefined) {
    const transcode = async (source: ByteSource, signal: AbortSignal | undefined) =>
      transcodeWithFfmpeg(await source.read(0, source.size, signal), signal);
    return readWebAudio(audio, { ...options, transcode });
  }
  const bytes = await readBytes(path, options.signal);
  // ffmpeg reads the file itself, so that the bytes are not written to a second one.
  const transcode = (_source: ByteSource, signal: AbortSignal | undefined) => transcodeWithFfmpeg(path, signal);
  return decodeOrTranscode(memoryBytes(bytes, path), { ...options, transcode });
}

/** Opens a recording for `Whisper`. */
export async function openSound(audio: AudioFile, options: CallOptions = {}): Promise<Sound> {
  return samplesSound(await readAudio(audio, options));
}

function pathOf(audio: AudioFile): string | undefined {
  if (audio instanceof URL) return audio.protocol === 'file:' ? fileURLToPath(audio) : undefined;
  if (typeof audio === 'string') return /^https?:/i.test(audio) ? undefined : audio;
  return undefined;
}

async function readBytes(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException; // readFile throws nothing else
    if (code === 'ENOENT') throw new AudioError('notFound', `There is no file ${path}.`, { cause: error });
    throw new AudioError('file', `${path} cannot be read: ${message}.`, { cause: error });
  }
}
