/**
 * A recording as its samples, wherever they come from. They are read piece by piece and as often as is needed, so that
 * nothing has to hold all of them: an hour is 230 MB.
 */
import { concat } from '../base/bytes.ts';
import type { CallOptions } from '../base/progress.ts';
import { N_SAMPLES } from './constants.ts';

export interface Sound {
  /** Number of samples, where it is known before they are read. */
  readonly nSamples?: number | undefined;
  /**
   * The samples, from the first one on at each call. A reader that leaves the loop ends the work behind it.
   *
   * @param options `onProgress` is told the share that has been read, in whatever unit; `onWarning` what is damaged
   * @returns mono, 16 kHz, in [-1, 1], in pieces of any length that are small against a recording; each valid until the next
   *   one is asked for
   * @throws {AudioError} what is wrong with the recording; the signal's reason
   */
  read(options?: CallOptions): AsyncIterable<Float32Array>;
  /**
   * Its channels, each as a sound of its own, in the order of WAV files; absent where there can only be one. They
   * are closed with the sound that they are of.
   *
   * @throws {AudioError} what is wrong with the recording, as far as its beginning tells; the signal's reason
   */
  channels?(options?: CallOptions): Promise<readonly Sound[]>;
  /** Releases what it holds, such as files. It is not read again. */
  close?(): Promise<void>;
}

/** Samples that are in memory; they are not copied. */
export function samplesSound(samples: Float32Array): Sound {
  return {
    nSamples: samples.length,
    async *read({ signal } = {}) {
      for (let at = 0; at < samples.length; at += N_SAMPLES) {
        signal?.throwIfAborted();
        yield samples.subarray(at, at + N_SAMPLES);
      }
    },
  };
}

/** All samples of a sound; shape [nSamples]. */
export async function readWhole(sound: Sound, options?: CallOptions): Promise<Float32Array<ArrayBuffer>> {
  const pieces: Float32Array[] = [];
  for await (const piece of sound.read(options)) pieces.push(piece.slice());
  return concat(Float32Array, pieces);
}
