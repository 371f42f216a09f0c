/** Reads recordings from files, pipes, addresses and bytes; `ffmpeg` decodes what sotto does not. */
import { fileURLToPath } from 'node:url';
import { type AudioInput, audioInput, type FileInput } from '../audio/audioInput.ts';
import { type ByteSource, blobBytes, memoryBytes } from '../audio/byteSource.ts';
import { decodedSound } from '../audio/decodedSound.ts';
import { prepareFastMachines } from '../audio/resample/wasmMachine.ts';
import { readWhole, type Sound } from '../audio/sound.ts';
import { startsWith } from '../base/bytes.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { shownName } from '../base/shownName.ts';
import { environment } from './environment.ts';
import { decodeWithFfmpeg, type FfmpegInput, ffmpegPieces } from './ffmpeg.ts';
import { createNodePlatform } from './node.ts';
import { fileSource, type NodeSource, streamSource, withPath } from './nodeSource.ts';
import { fetchRecording, responseBytes } from './webFetch.ts';

/**
 * All samples of a recording. Long ones are large: 230 MB an hour.
 *
 * @param audio a string is an address if it begins with `http:` or `https:`, else a path
 * @returns mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws {AudioError} `input` for what is no recording, `notFound`, `file`, `fetch`, `endless`; what `decodeAudio` throws;
 *   `undecodable` with ffmpeg's words; the signal's reason
 */
export async function readAudio(audio: AudioInput, options: CallOptions = {}): Promise<Float32Array> {
  const input = audioInput(audio);
  const sound = input.kind === 'sound' ? input.sound : await openSound(input, options);
  try {
    return await readWhole(sound, options);
  } finally {
    await sound.close?.();
  }
}

/** Opens a recording for `Whisper`. @throws {AudioError} as `readAudio`, as far as that is known before decoding */
export async function openSound(file: FileInput, options: CallOptions = {}): Promise<Sound> {
  await prepareFastMachines((bytes) => createNodePlatform().compileWasm(bytes));
  const input = async (source: NodeSource, { signal }: CallOptions): Promise<FfmpegInput> => ({
    from: await source.path(signal),
    name: source.name ?? 'The recording',
  });
  return decodedSound(await sourceOf(file, options), {
    async *mono(source, unsupported, reading) {
      yield* orUnsupported(decodeWithFfmpeg(await input(source, reading), reading), unsupported);
    },
    async *pieces(source, unsupported, reading) {
      yield* orUnsupported(ffmpegPieces(await input(source, reading), reading), unsupported);
    },
  });
}

/** What ffmpeg gives; where it is not there, what our readers said. */
async function* orUnsupported<T>(decoded: AsyncIterable<T>, unsupported: AudioError): AsyncGenerator<T> {
  try {
    yield* decoded;
  } catch (error) {
    throw error instanceof AudioError && error.code === 'unsupported' ? unsupported : error;
  }
}

async function sourceOf(file: FileInput, options: CallOptions): Promise<NodeSource> {
  const { signal, onWarning } = options;
  const check = (head: ByteSource): Promise<void> => checkHead(head, signal);
  switch (file.kind) {
    case 'address': {
      const { address } = file;
      if (/^file:/i.test(address)) return fileSource(fileURLToPath(address), { signal, onWarning, check });
      if (!/^(https?|data|blob):/i.test(address)) return fileSource(address, { signal, onWarning, check });
      // Node's HTTP takes as long to load as all of the audio room.
      const proxy = /^http/i.test(address) ? await import('./nodeProxy.ts') : undefined;
      const stream = await fetchRecording(address, { ...options, fetch: proxy?.proxyFetch(environment) });
      return streamSource(stream, { signal, name: shownName(address), check });
    }
    case 'bytes':
      return withPath(memoryBytes(file.bytes));
    case 'blob':
      return withPath(blobBytes(file.blob, file.name));
    case 'response': {
      const { url } = file.response;
      const name = url === '' ? {} : { name: url };
      return streamSource(responseBytes(file.response, url, options), { signal, check, ...name });
    }
    case 'stream':
      return streamSource(file.stream, { signal, check });
  }
}

/**
 * @param head the first megabytes of a stream
 * @throws {AudioError} if no decoder finds the beginning of a recording in them: a stream of zeros or noise would be kept
 *   to its end, which may never come
 */
async function checkHead(head: ByteSource, signal: AbortSignal | undefined): Promise<void> {
  // A tag may hold a picture of megabytes, and what it is before is behind that.
  if (startsWith(await head.read(0, 3), 'ID3')) return;
  let isRecognized = false;
  const onRecognized = (): void => {
    isRecognized = true;
  };
  const input = async (source: ByteSource): Promise<FfmpegInput> => ({
    from: once(await source.read(0, source.size)),
    name: source.name ?? 'The stream',
    onRecognized,
  });
  const sound = decodedSound(head, {
    async *mono(source, unsupported, reading) {
      yield* orUnsupported(decodeWithFfmpeg(await input(source), reading), unsupported);
    },
    async *pieces(source, unsupported, reading) {
      yield* orUnsupported(ffmpegPieces(await input(source), reading), unsupported);
    },
  });
  try {
    for await (const _ of sound.read({ signal })) return;
  } catch (error) {
    // What is known and cut off here may be whole in the end: the index of an MP4 comes last, a picture may be long.
    signal?.throwIfAborted();
    const isUnknown = error instanceof AudioError && (error.code === 'unsupported' || error.code === 'undecodable');
    if (isUnknown && !isRecognized) throw error;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
