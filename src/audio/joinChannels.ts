import { concat } from '../base/bytes.ts';

export type Plane = Float32Array<ArrayBuffer>;

/** Pieces of a recording, one behind the other; shape [nPieces][nChannels][nSamples] -> [nChannels][nSamples]. */
export function joinPlanes(pieces: readonly (readonly Plane[])[]): Plane[] {
  const [first, ...others] = pieces.filter((piece) => piece.length > 0);
  if (!first) return [];
  return first.map((start, channel) => {
    return concat(Float32Array, [start, ...others.map((piece) => piece[channel]!)]);
  });
}
