/** A recording to mono 16 kHz samples, piece by piece: the whole of it is never in memory. */
import { concat } from '../base/bytes.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { ByteReader } from './byteReader.ts';
import { type ByteSource, memoryBytes } from './byteSource.ts';
import { monoSamples } from './monoSamples.ts';
import { readPieces } from './recognize.ts';

export interface DecodeAudioOptions extends CallOptions {
  /** For messages and progress only. */
  readonly fileName?: string | undefined;
  /** The one channel that is wanted, from 0 on; all are mixed when absent. */
  readonly channel?: number | undefined;
}

type Samples = Float32Array<ArrayBuffer>;

/**
 * Decodes from the start. A source can be decoded again, for another pass; a reader is used up, and closed.
 *
 * @yields mono, 16 kHz, in [-1, 1]: the 16-bit values of `ffmpeg -ac 1 -ar 16000` / 32768, in order; shape [nSamples]. Of
 *   a stream what is there is given at once
 * @throws {AudioError} `empty` for no bytes; `unsupported`, before any sample, if nothing here can decode it (a reader is
 *   then back at its start, and open, unless that lies too far back for a stream); `malformed`, `truncated`, `channels`,
 *   `sampleRate` as the readers say; the signal's reason
 */
export async function* decodeAudio(
  input: ByteSource | ByteReader,
  options: DecodeAudioOptions = {},
): AsyncGenerator<Samples, void, undefined> {
  for await (const samples of decodeInPlace(input, options)) yield samples.slice();
}

/** As `decodeAudio`, in one array that is filled again and again: each piece is valid until the next one is asked for. */
export async function* decodeInPlace(
  input: ByteSource | ByteReader,
  options: DecodeAudioOptions = {},
): AsyncGenerator<Samples, void, undefined> {
  const { signal, fileName, channel, onProgress, onWarning } = options;
  signal?.throwIfAborted();
  const reader =
    input instanceof ByteReader ? input : ByteReader.ofSource(input, { signal, name: fileName ?? input.name });
  const { name, size } = reader;
  const item = name === undefined ? {} : { item: name };
  const onPiece = (): void => {
    // Nothing goes back to the start any more.
    reader.release();
    if (size === undefined) return;
    onProgress?.({ stage: 'audio', done: reader.position, total: size, unit: 'bytes', ...item });
  };
  let isOpen = false;
  try {
    if ((await reader.peek(1)).length === 0) throw new AudioError('empty', `${name ?? 'The recording'} is empty.`);
    const pieces = readPieces(reader, { onWarning });
    const wanted = channel === undefined ? pieces : (await import('./pickChannel.ts')).pickChannel(pieces, channel);
    yield* monoSamples(wanted, { signal, onWarning, onPiece });
  } catch (error) {
    if (error instanceof AudioError && error.code === 'unsupported') isOpen = reader.rewind();
    throw error;
  } finally {
    if (!isOpen) await reader.close();
  }
}

/**
 * Decodes all of it into one array.
 *
 * @param input the bytes of a whole file, or where they are
 * @returns mono, 16 kHz, in [-1, 1]; shape [nSamples]
 * @throws what `decodeAudio` throws
 */
export async function decodeWhole(
  input: Uint8Array | ByteSource | ByteReader,
  options: DecodeAudioOptions = {},
): Promise<Samples> {
  const pieces: Samples[] = [];
  const source = input instanceof Uint8Array ? memoryBytes(input) : input;
  for await (const samples of decodeAudio(source, options)) pieces.push(samples);
  return concat(Float32Array, pieces);
}
