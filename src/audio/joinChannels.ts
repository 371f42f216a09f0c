export type Plane = Float32Array<ArrayBuffer>;

/** Pieces of a recording, one behind the other; shape [nPieces][nChannels][nSamples] -> [nChannels][nSamples]. */
export function joinPlanes(pieces: readonly (readonly Plane[])[]): Plane[] {
  const [first, ...others] = pieces.filter((piece) => piece.length > 0);
  if (!first) return [];
  return first.map((start, channel) => {
    const parts = [start, ...others.map((piece) => piece[channel]!)];
    const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  });
}
