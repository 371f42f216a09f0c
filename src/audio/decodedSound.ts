/** The bytes of a recording as a sound: decoded anew for each reading, here or, if nothing here can, by another decoder. */
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { ByteReader } from './byteReader.ts';
import type { ByteSource } from './byteSource.ts';
import { decodeInPlace } from './decode.ts';
import { monoSamples } from './monoSamples.ts';
import type { PcmPiece } from './pcm.ts';
import { readPieces } from './recognize.ts';
import type { Sound } from './sound.ts';

/**
 * Decodes what nothing here can; ffmpeg, or a browser's decoder. `unsupported` is what our readers said: to be thrown again
 * where this decoder is not there.
 */
export interface OtherDecoder<S extends ByteSource> {
  /** @returns as `Sound.read` */
  mono(source: S, unsupported: AudioError, options: CallOptions): AsyncIterable<Float32Array>;
  /** All channels, not mixed; any rate. */
  pieces(source: S, unsupported: AudioError, options: CallOptions): AsyncIterable<PcmPiece>;
}

/** @param source closed with the sound */
export function decodedSound<S extends ByteSource>(source: S, other?: OtherDecoder<S>): Sound {
  let unsupported: AudioError | undefined;

  /** By our decoders, and where those know nothing of it by the other one. */
  async function* decoded<T>(
    ours: () => AsyncIterable<T>,
    others: (other: OtherDecoder<S>, unsupported: AudioError) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    if (!unsupported) {
      let isBegun = false;
      try {
        for await (const piece of ours()) {
          isBegun = true;
          yield piece;
        }
        return;
      } catch (error) {
        if (isBegun || !other || !(error instanceof AudioError) || error.code !== 'unsupported') throw error;
        unsupported = error;
      }
    }
    if (other) yield* others(other, unsupported);
  }

  const countChannels = async (options: CallOptions): Promise<number> => {
    const pieces = decoded(
      () => firstPieces(source, options),
      (there, reason) => there.pieces(source, reason, options),
    );
    if (source.size > 0) for await (const { nChannels } of pieces) return nChannels;
    return 1; // no sound at all: who reads it is told
  };

  return {
    read: (options = {}) =>
      decoded(
        () => decodeInPlace(source, options),
        (there, reason) => there.mono(source, reason, options),
      ),
    channels: async (options = {}) => {
      // Most recordings are mixed.
      const { pickChannel } = await import('./pickChannel.ts');
      const count = await countChannels(options);
      return Array.from(
        { length: count },
        (_, channel): Sound => ({
          read: (reading = {}) =>
            decoded(
              () => decodeInPlace(source, { ...reading, channel }),
              (there, reason) => monoSamples(pickChannel(there.pieces(source, reason, reading), channel), reading),
            ),
        }),
      );
    },
    close: async () => source.close?.(),
  };
}

/** The recording from its start, to look at its format alone. */
async function* firstPieces(source: ByteSource, { signal }: CallOptions): AsyncGenerator<PcmPiece, void, undefined> {
  const reader = ByteReader.ofSource(source, { signal, name: source.name });
  try {
    // Whoever then reads it is told what is damaged.
    yield* readPieces(reader, {});
  } finally {
    await reader.close();
  }
}
