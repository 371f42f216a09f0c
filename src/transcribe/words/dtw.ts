/**
 * Dynamic time warping: the cheapest path through a matrix from its first cell to its last by steps right, down or both.
 *
 * Ties between predecessors are broken by openai/whisper's CPU rule, because they move word boundaries: the diagonal only
 * if it is cheaper than both others, else the row above only if it is cheaper than both others, else the cell to the left.
 *
 * @see Sakoe and Chiba 1978; openai/whisper, whisper/timing.py: dtw_cpu, backtrace
 */

const DIAGONAL = 0;
const UP = 1;
const LEFT = 2;

/**
 * @param cost f32 [rows, columns], row-major, both at least 1; sums are kept in f32
 * @returns column at which the path enters each row, -1 throughout if the costs are NaN; [rows]
 */
export function rowStarts(cost: Float32Array, rows: number, columns: number): Int32Array {
  const trace = new Uint8Array(rows * columns);
  // Sums of the row above and of this one, shifted by one: index 0 is left of the first column.
  let above = new Float32Array(columns + 1).fill(Number.POSITIVE_INFINITY);
  let current = new Float32Array(columns + 1);
  above[0] = 0;
  for (let i = 0; i < rows; i++) {
    current[0] = Number.POSITIVE_INFINITY;
    for (let j = 0; j < columns; j++) {
      const diagonal = above[j]!;
      const up = above[j + 1]!;
      const left = current[j]!;
      let min = left;
      let step = LEFT;
      if (diagonal < up && diagonal < left) {
        min = diagonal;
        step = DIAGONAL;
      } else if (up < diagonal && up < left) {
        min = up;
        step = UP;
      }
      current[j + 1] = cost[i * columns + j]! + min;
      trace[i * columns + j] = step;
    }
    [above, current] = [current, above];
  }

  const starts = new Int32Array(rows);
  let i = rows - 1;
  let j = columns - 1;
  while (i >= 0 && j >= 0) {
    starts[i] = j;
    const step = trace[i * columns + j];
    if (step !== LEFT) i--;
    if (step !== UP) j--;
  }
  // Only NaN costs lead beyond the left border; there the path goes straight up.
  for (; i >= 0; i--) starts[i] = -1;
  return starts;
}
