/** A report against an earlier one: what became quicker or slower by more than the spread of both. */
import { type BenchConfiguration, type BenchReport, type BenchRow, timesOf, titleOf } from './report.ts';

export type Verdict =
  /** The ranges from the least to the largest time overlap: nothing can be said. */
  | 'within the spread'
  | 'faster'
  | 'slower'
  /** So few times that two of the same kind would often lie apart by chance. */
  | 'too few runs';

export interface Comparison {
  /** Median of the later runs, now / then: below 1 it is quicker now. */
  readonly ratio: number;
  readonly verdict: Verdict;
}

/** Chance that is taken for none. */
const CHANCE = 0.05;

/**
 * How often all of `a` times lie below or above all of `b` others of the same kind, if the times are drawn alike: of the
 * (a + b)! / (a! b!) orders in which they may come, two. Five and five: 1 in 126; three and three: 1 in 10.
 */
export function chanceApart(a: number, b: number): number {
  let orders = 1;
  for (let i = 1; i <= a; i++) orders = (orders * (b + i)) / i;
  return Math.min(1, 2 / orders);
}

/** Of the later runs. */
export function compareRows(now: Pick<BenchRow, 'samples'>, then: Pick<BenchRow, 'samples'>): Comparison {
  const [a, b] = [timesOf(now, 'laterRunMs'), timesOf(then, 'laterRunMs')];
  const ratio = a.median / b.median;
  if (a.min <= b.max && b.min <= a.max) return { ratio, verdict: 'within the spread' };
  if (chanceApart(now.samples.length, then.samples.length) > CHANCE) return { ratio, verdict: 'too few runs' };
  return { ratio, verdict: a.max < b.min ? 'faster' : 'slower' };
}

export function rowOf(report: BenchReport, configuration: BenchConfiguration): BenchRow | undefined {
  const title = titleOf(configuration);
  return report.rows.find((row) => titleOf(row) === title);
}

/** Sentences on what makes two reports hard to compare. */
export function differencesOf(now: BenchReport, then: BenchReport): readonly string[] {
  const differing = (what: string, a: string, b: string): string[] =>
    a === b ? [] : [`The baseline was measured ${what} ${b}, not ${a}.`];
  return [
    ...differing('with another recording:', now.recording.name, then.recording.name),
    ...differing('on another processor:', now.machine.cpu, then.machine.cpu),
    ...differing('in another runtime:', now.machine.runtime, then.machine.runtime),
  ];
}
