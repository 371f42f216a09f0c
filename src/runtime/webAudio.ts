/** Reads recordings from URLs, Blobs and bytes, with web standards alone. */
import type { AudioFile } from '../audio/audioFile.ts';
import { type ByteSource, blobBytes, memoryBytes } from '../audio/byteSource.ts';
import { type DecodeAudioOptions, decodeWhole } from '../audio/decode.ts';
import { type Sound, samplesSound } from '../audio/sound.ts';
import { AudioError } from '../base/errors.ts';

/**
 * Decodes what nothing here can: a recording in, mono 16 kHz 16-bit samples out.
 * @throws {AudioError} `undecodable` if it is no recording either
 */
export type Transcode = (input: ByteSource, signal: AbortSignal | undefined) => Promise<Int16Array>;

export interface WebAudioOptions extends DecodeAudioOptions {
  readonly transcode?: Transcode | undefined;
}

/**
 * @returns mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws {AudioError} `fetch` if a URL cannot be fetched; what `decodeAudio` throws; the signal's reason
 */
export async function readWebAudio(audio: AudioFile, options: WebAudioOptions = {}): Promise<Float32Array> {
  return decodeOrTranscode(await sourceOf(audio, options.signal), options);
}

/** @throws what `decodeWhole` throws; what `transcode` throws, where nothing here can decode it */
export async function decodeOrTranscode(source: ByteSource, options: WebAudioOptions): Promise<Float32Array> {
  const { signal, transcode } = options;
  try {
    return await decodeWhole(source, options);
  } catch (error) {
    if (!transcode || !(error instanceof AudioError) || error.code !== 'unsupported') throw error;
    const samples = await transcode(source, signal);
    const out = new Float32Array(samples.length);
    for (let i = 0; i < out.length; i++) out[i] = samples[i]! / 32768;
    return out;
  }
}

async function sourceOf(audio: AudioFile, signal: AbortSignal | undefined): Promise<ByteSource> {
  if (audio instanceof Uint8Array) return memoryBytes(audio);
  if (audio instanceof ArrayBuffer) return memoryBytes(new Uint8Array(audio));
  if (audio instanceof Blob) return blobBytes(audio);
  return memoryBytes(await fetchBytes(audio, signal), String(audio));
}

/** Opens a recording for `Whisper`. */
export async function openWebSound(audio: AudioFile, options: WebAudioOptions = {}): Promise<Sound> {
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
