/** What is said of a handful of timings. The machine is often shared: the minimum is the code's own speed, the spread the day's. */

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN throughout if there are no values. */
export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const lower = sorted[middle - 1] ?? upper;
  const median = sorted.length % 2 === 0 ? (lower + upper) / 2 : upper;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** `12.3 (11.9 .. 14.0)`. */
export function spread({ median, min, max }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} .. ${max.toFixed(digits)})`;
}
