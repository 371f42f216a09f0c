import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../../src/base/random.ts';
import { rowStarts } from '../../../src/transcribe/words/dtw.ts';
import { medianFilter } from '../../../src/transcribe/words/medianFilter.ts';

const test = suite('dtw and median filter');

/** Cheapest of all paths, by trying every one. */
function cheapest(cost: number[][], i = cost.length - 1, j = cost[0]!.length - 1): number {
  if (i < 0 || j < 0) return Number.POSITIVE_INFINITY;
  const here = cost[i]![j]!;
  if (i === 0 && j === 0) return here;
  return here + Math.min(cheapest(cost, i - 1, j - 1), cheapest(cost, i - 1, j), cheapest(cost, i, j - 1));
}

/** Least cost of a path that enters the rows where `starts` says. */
function costThrough(cost: number[][], starts: readonly number[]): number {
  const columns = cost[0]!.length;
  let total = 0;
  starts.forEach((start, i) => {
    const next = starts[i + 1];
    // It leaves row i for start of the next one: straight up from below it, or diagonally from before it.
    const ends = next === undefined ? [columns - 1] : [next, next - 1].filter((end) => end >= start);
    total += Math.min(...ends.map((end) => cost[i]!.slice(start, end + 1).reduce((a, b) => a + b, 0)));
  });
  return total;
}

test('finds a cheapest path (seed 21)', () => {
  const random = randomStream(21);
  for (let round = 0; round < 100; round++) {
    const rows = 1 + Math.floor(random() * 4);
    const columns = 1 + Math.floor(random() * 6);
    const cost = Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => Math.fround(random() * 2 - 1)),
    );
    const starts = [...rowStarts(Float32Array.from(cost.flat()), rows, columns)];
    assert.is(starts[0], 0);
    for (let i = 1; i < rows; i++) assert.ok(starts[i]! >= starts[i - 1]!);
    assert.ok(Math.abs(costThrough(cost, starts) - cheapest(cost)) < 1e-5, `round ${round}`);
  }
});

// [cost, where each row begins]: of equals left, as openai/whisper on the CPU
const ties: [number[][], number[]][] = [
  [[[0, 0, 0]], [0]],
  [
    [[0], [0], [0]],
    [0, 0, 0],
  ],
  [
    [
      [0, 0],
      [0, 0],
    ],
    [0, 0],
  ],
  [
    [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
    [0, 0, 0],
  ],
  [
    [
      [1, 1, 1],
      [1, 1, 1],
    ],
    [0, 1],
  ],
  [
    [
      [0, 1, 1],
      [1, 0, 1],
      [1, 1, 0],
    ],
    [0, 1, 2],
  ],
  [
    [
      [0, 0, 9, 9],
      [9, 9, 0, 0],
    ],
    [0, 2],
  ],
  [
    [
      [0, 9, 9],
      [0, 9, 9],
      [0, 0, 0],
    ],
    [0, 0, 0],
  ],
];
for (const [cost, starts] of ties) {
  test(JSON.stringify(cost), () => {
    assert.equal([...rowStarts(Float32Array.from(cost.flat()), cost.length, cost[0]!.length)], starts);
  });
}

test('costs that are no numbers: the position before the first, as openai/whisper has it', () => {
  // One column: the same weight for every token, so a deviation of 0 to divide by.
  assert.equal([...rowStarts(new Float32Array(3).fill(Number.NaN), 3, 1)], [-1, -1, -1]);
  assert.equal([...rowStarts(new Float32Array(6).fill(Number.NaN), 2, 3)], [-1, -1]);
});

test('median of seven, mirrored at the ends, as by sorting (seed 22)', () => {
  const random = randomStream(22);
  for (const columns of [1, 2, 3, 4, 5, 7, 8, 40]) {
    const x = Float32Array.from({ length: 3 * columns }, () => random());
    const out = medianFilter(x, columns, 7);
    for (let row = 0; row < 3; row++) {
      for (let j = 0; j < columns; j++) {
        const mirrored = [-3, -2, -1, 0, 1, 2, 3].map((k) => {
          const at = Math.abs(j + k);
          return x[row * columns + (at < columns ? at : 2 * (columns - 1) - at)]!;
        });
        const expected = columns <= 3 ? x[row * columns + j] : mirrored.sort((a, b) => a - b)[3];
        assert.is(out[row * columns + j], expected, `${columns} columns, row ${row}, column ${j}`);
      }
    }
  }
});

test.run();
