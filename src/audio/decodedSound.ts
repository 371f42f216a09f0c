/** The bytes of a recording as a sound: decoded anew for each reading, here or, if nothing here can, by another decoder. */
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { ByteSource } from './byteSource.ts';
import { decodeInPlace } from './decode.ts';
import type { Sound } from './sound.ts';

/**
 * Decodes what nothing here can; ffmpeg, or a browser's decoder.
 *
 * @param unsupported what our readers said: to be thrown again where this decoder is not there
 * @returns as `Sound.read`
 */
export type OtherDecoder<S extends ByteSource> = (
  source: S,
  unsupported: AudioError,
  options: CallOptions,
) => AsyncIterable<Float32Array>;

/** @param source closed with the sound */
export function decodedSound<S extends ByteSource>(source: S, other?: OtherDecoder<S>): Sound {
  let unsupported: AudioError | undefined;
  return {
    async *read(options = {}) {
      if (!unsupported) {
        let isBegun = false;
        try {
          for await (const piece of decodeInPlace(source, options)) {
            isBegun = true;
            yield piece;
          }
          return;
        } catch (error) {
          if (isBegun || !other || !(error instanceof AudioError) || error.code !== 'unsupported') throw error;
          unsupported = error;
        }
      }
      if (other) yield* other(source, unsupported, options);
    },
    close: async () => source.close?.(),
  };
}
