/**
 * Median of `width` neighbours along each row, the row mirrored at its ends.
 *
 * @see openai/whisper, whisper/timing.py: median_filter
 */

/**
 * @param x     f32 [rows, columns], row-major
 * @param width odd
 * @returns the same shape; `x` itself if rows are too short to be mirrored
 */
export function medianFilter(x: Float32Array, columns: number, width: number): Float32Array {
  const pad = width >> 1;
  if (columns <= pad) return x;
  const out = new Float32Array(x.length);
  const sorted = new Float32Array(width);
  for (let row = 0; row < x.length; row += columns) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < width; k++) {
        let at = Math.abs(j + k - pad);
        if (at >= columns) at = 2 * columns - 2 - at;
        // Insertion sort: the window is short, and nothing may be allocated here.
        const value = x[row + at]!;
        let place = k;
        for (; place > 0 && sorted[place - 1]! > value; place--) sorted[place] = sorted[place - 1]!;
        sorted[place] = value;
      }
      out[row + j] = sorted[pad]!;
    }
  }
  return out;
}
