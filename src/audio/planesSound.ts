/** Samples in memory, in other forms than the model's, as a sound. */
import type { CallOptions } from '../base/progress.ts';
import { N_SAMPLES } from './constants.ts';
import { monoSamples } from './monoSamples.ts';
import type { PcmPiece } from './pcm.ts';
import type { Sound } from './sound.ts';

/** Samples of all channels, equally many, in the order of WAV files: floats in [-1, 1], integers in their whole range. */
export type Planes =
  | { readonly sampleFormat: 's16'; readonly channels: readonly Int16Array[] }
  | { readonly sampleFormat: 's32'; readonly channels: readonly Int32Array[] }
  | { readonly sampleFormat: 'f32'; readonly channels: readonly Float32Array[] }
  | { readonly sampleFormat: 'f64'; readonly channels: readonly Float64Array[] };

/** @param values mono, 16 kHz */
export function int16Sound(values: Int16Array): Sound {
  return {
    nSamples: values.length,
    async *read({ signal } = {}) {
      for (let at = 0; at < values.length; at += N_SAMPLES) {
        signal?.throwIfAborted();
        const piece = Float32Array.from(values.subarray(at, at + N_SAMPLES));
        for (let i = 0; i < piece.length; i++) piece[i] = piece[i]! / 32768;
        yield piece;
      }
    },
  };
}

/**
 * @param sampleRate Hz
 * @returns what a WAV file of these samples would give
 */
export function planesSound(planes: Planes, sampleRate: number): Sound {
  return {
    read: (options = {}) => monoSamples(planePieces(planes, sampleRate, options), options),
    channels: async () =>
      planes.channels.map((_, i) => {
        const plane = { ...planes, channels: planes.channels.slice(i, i + 1) } as Planes; // of the same form
        return planesSound(plane, sampleRate);
      }),
  };
}

/** The samples in pieces of a second. @param sampleRate Hz */
export async function* planePieces(
  planes: Planes,
  sampleRate: number,
  { onProgress }: CallOptions,
): AsyncGenerator<PcmPiece, void, undefined> {
  const length = planes.channels[0]?.length ?? 0;
  const nPiece = Math.ceil(sampleRate);
  for (let at = 0; at < length; at += nPiece) {
    onProgress?.({ stage: 'audio', done: at / sampleRate, total: length / sampleRate, unit: 'seconds' });
    yield pieceOf(planes, sampleRate, at, at + nPiece);
  }
}

/** A copy: who gave the samples may write to them, or share them with other threads. */
function pieceOf(planes: Planes, sampleRate: number, begin: number, end: number): PcmPiece {
  const format = { sampleRate, nChannels: planes.channels.length, channelMask: 0 };
  const { sampleFormat, channels } = planes;
  switch (sampleFormat) {
    case 's16':
      return { ...format, sampleFormat, channels: channels.map((channel) => channel.slice(begin, end)) };
    case 's32':
      return { ...format, sampleFormat, channels: channels.map((channel) => channel.slice(begin, end)) };
    case 'f32':
      return { ...format, sampleFormat, channels: channels.map((channel) => channel.slice(begin, end)) };
    case 'f64':
      return { ...format, sampleFormat, channels: channels.map((channel) => channel.slice(begin, end)) };
  }
}
