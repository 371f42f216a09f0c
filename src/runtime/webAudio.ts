/** Reads recordings from URLs, Blobs and bytes, with web standards alone. */
import type { AudioFile } from '../audio/audioFile.ts';
import { type DecodeAudioOptions, decodeAudio } from '../audio/decode.ts';
import { type Sound, samplesSound } from '../audio/sound.ts';
import { AudioError } from '../base/errors.ts';

/**
 * @returns mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws {AudioError} `fetch` if a URL cannot be fetched; what `decodeAudio` throws; the signal's reason
 */
export async function readWebAudio(audio: AudioFile, options: DecodeAudioOptions = {}): Promise<Float32Array> {
  if (audio instanceof Uint8Array) return decodeAudio(audio, options);
  if (audio instanceof ArrayBuffer) return decodeAudio(new Uint8Array(audio), options);
  if (audio instanceof Blob) {
    // A File, unlike other Blobs, has a name.
    const fileName = 'name' in audio && typeof audio.name === 'string' ? audio.name : undefined;
    return decodeAudio(new Uint8Array(await audio.arrayBuffer()), { fileName, ...options });
  }
  const bytes = await fetchBytes(audio, options.signal);
  return decodeAudio(bytes, { fileName: String(audio), ...options });
}

/** Opens a recording for `Whisper`. */
export async function openWebSound(audio: AudioFile, options: DecodeAudioOptions = {}): Promise<Sound> {
  return samplesSound(await readWebAudio(audio, options));
}

async function fetchBytes(address: string | URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const failed = (why: string, cause?: unknown): AudioError =>
    new AudioError('fetch', `The recording at ${address} cannot be fetched: ${why}.`, { cause });
  try {
    const response = await fetch(address, signal ? { signal } : {});
    if (!response.ok) throw failed(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof AudioError ? cause : failed(String(cause), cause);
  }
}
