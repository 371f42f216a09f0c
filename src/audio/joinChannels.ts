import { concat } from '../base/bytes.ts';

/** Samples of one channel, in [-1, 1]. */
export type Channel = Float32Array<ArrayBuffer>;

/** Pieces of a recording, one after the other; shape [nPieces][nChannels][nSamples] -> [nChannels][nSamples]. */
export function joinChannels(pieces: readonly (readonly Channel[])[]): Channel[] {
  const [first, ...others] = pieces.filter((piece) => piece.length > 0);
  if (!first) return [];
  return first.map((start, c) => concat(Float32Array, [start, ...others.map((piece) => piece[c]!)]));
}
