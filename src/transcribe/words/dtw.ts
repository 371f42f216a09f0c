/**
 * Dynamic time warping: the cheapest way through a matrix from its first cell to its last by steps right, down or both.
 *
 * Which of equally cheap predecessors is taken is openai/whisper's CPU rule, since it moves word boundaries: the diagonal
 * only if it is cheaper than both others, else the row above only if cheaper than both others, else the cell to the left.
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
  // Sums of the row above and of this one, shifted by one: place 0 is left of the first column.
  let above = new Float32Array(columns + 1).fill(Number.POSITIVE_INFINITY);
  let current = new Float32Array(columns + 1);
  above[0] = 0;
  for (let i = 0; i < rows; i++) {
    current[0] = Number.POSITIVE_INFINITY;
    for (let j = 0; j < columns; j++) {
      const diagonal = above[j]!;
      const up = above[j + 1]!;
      const left = current[j]!;
      let least = left;
      let step = LEFT;
      if (diagonal < up && diagonal < left) {
        least = diagonal;
        step = DIAGONAL;
      } else if (up < diagonal && up < left) {
        least = up;
        step = UP;
      }
      current[j + 1] = cost[i * columns + j]! + least;
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
  // Only costs that are no numbers lead beyond the left border; the path goes up there.
  for (; i >= 0; i--) starts[i] = -1;
  return starts;
}
