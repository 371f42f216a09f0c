/** Reads recordings from addresses, Blobs and bytes, with web standards alone; the browser decodes what sotto does not. */
import { type AudioInput, audioInput, type FileInput } from '../audio/audioInput.ts';
import { type ByteSource, blobBytes, memoryBytes } from '../audio/byteSource.ts';
import { decodedSound } from '../audio/decodedSound.ts';
import { readWhole, type Sound } from '../audio/sound.ts';
import type { CallOptions } from '../base/progress.ts';
import { shownName } from '../base/shownName.ts';
import { piecesUntilAborted } from '../base/signals.ts';
import { fetchRecording, responseBytes } from './webFetch.ts';

/** Bytes of a stream that become one Blob: a browser may keep Blobs on disk, arrays it may not. */
const BLOB_BYTES = 1 << 23;

/**
 * All samples of a recording. Long ones are large: 230 MB an hour.
 *
 * @param audio a string is an address, resolved against that of the page
 * @returns mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws {AudioError} `input` for what is no recording, `fetch`; what `decodeAudio` throws; `undecodable` if the browser
 *   cannot decode it either; the signal's reason
 */
export async function readWebAudio(audio: AudioInput, options: CallOptions = {}): Promise<Float32Array> {
  const input = audioInput(audio);
  const sound = input.kind === 'sound' ? input.sound : await openWebSound(input, options);
  try {
    return await readWhole(sound, options);
  } finally {
    await sound.close?.();
  }
}

/** Opens a recording for `Whisper`. @throws {AudioError} as `readWebAudio`, as far as that is known before decoding */
export async function openWebSound(file: FileInput, options: CallOptions = {}): Promise<Sound> {
  return decodedSound(await sourceOf(file, options), {
    async *mono(...request) {
      yield* (await import('./webDecoder.ts')).browserDecoder.mono(...request);
    },
    async *pieces(...request) {
      yield* (await import('./webDecoder.ts')).browserDecoder.pieces(...request);
    },
  });
}

async function sourceOf(file: FileInput, options: CallOptions): Promise<ByteSource> {
  switch (file.kind) {
    case 'address':
      return blobBytes(await blobOf(await fetchRecording(file.address, options)), shownName(file.address));
    case 'bytes':
      return memoryBytes(file.bytes);
    case 'blob':
      return blobBytes(file.blob, file.name);
    case 'response': {
      const { url } = file.response;
      return blobBytes(await blobOf(responseBytes(file.response, url, options)), url === '' ? undefined : url);
    }
    case 'stream':
      return blobBytes(await blobOf(file.stream, options.signal));
  }
}

async function blobOf(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Blob> {
  const blobs: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let nBytes = 0;
  const flush = (): void => {
    blobs.push(new Blob(pieces));
    [pieces, nBytes] = [[], 0];
  };
  for await (const piece of piecesUntilAborted(stream, signal)) {
    pieces.push(piece.slice());
    nBytes += piece.length;
    if (nBytes >= BLOB_BYTES) flush();
  }
  flush();
  return new Blob(blobs);
}
