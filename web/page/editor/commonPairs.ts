/** What two lists have in common, in order. */

/** Beyond so many pairs to compare the middle counts as replaced: a table of a million takes a few milliseconds. */
const LARGEST = 4_000_000;

/**
 * A longest common subsequence, as pairs of places in `before` and `after`. The same beginnings and ends are paired first.
 *
 * @see https://en.wikipedia.org/wiki/Longest_common_subsequence
 */
export function commonPairs(before: readonly string[], after: readonly string[]): readonly [number, number][] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  const pairs: [number, number][] = [];
  for (let i = 0; i < head; i++) pairs.push([i, i]);
  const m = before.length - head - tail;
  const n = after.length - head - tail;
  if (m * n <= LARGEST) {
    // lengths[i, j]: of what before from i on and after from j on have in common. [m + 1, n + 1]
    const lengths = new Uint32Array((m + 1) * (n + 1));
    const at = (i: number, j: number): number => i * (n + 1) + j;
    for (let i = m - 1; i >= 0; i--) {
      for (let j = n - 1; j >= 0; j--) {
        lengths[at(i, j)] =
          before[head + i] === after[head + j]
            ? 1 + lengths[at(i + 1, j + 1)]!
            : Math.max(lengths[at(i + 1, j)]!, lengths[at(i, j + 1)]!);
      }
    }
    for (let i = 0, j = 0; i < m && j < n; ) {
      if (before[head + i] === after[head + j]) pairs.push([head + i++, head + j++]);
      else if (lengths[at(i + 1, j)]! >= lengths[at(i, j + 1)]!) i++;
      else j++;
    }
  }
  for (let i = tail; i > 0; i--) pairs.push([before.length - i, after.length - i]);
  return pairs;
}
