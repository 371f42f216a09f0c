/** The largest of many numbers. */

/** @returns indices of the k largest, the largest first, of equals the lower index first; fewer if there are fewer */
export function largest(values: ArrayLike<number>, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (best.length === k && !(value > values[best[k - 1]!]!)) continue;
    let place = best.length < k ? best.length : k - 1;
    for (; place > 0 && value > values[best[place - 1]!]!; place--) best[place] = best[place - 1]!;
    best[place] = i;
  }
  return best;
}
