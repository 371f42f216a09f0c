/** A report against an earlier one: what became quicker or slower by more than the spread of both. */
import { type BenchConfiguration, type BenchReport, type BenchRow, timesOf, titleOf } from './report.ts';

export type Verdict =
  /** The ranges from the least to the largest time overlap: nothing can be said. */
  | 'within the spread'
  | 'faster'
  | 'slower'
  /** One of the two has a single time, and so no spread. */
  | 'no spread';

export interface Comparison {
  /** Median of the later runs, now / then: below 1 it is quicker now. */
  readonly ratio: number;
  readonly verdict: Verdict;
}

/** Of the later runs. Five times each, all of the same kind, lie apart by chance once in 126 comparisons. */
export function compareRows(now: Pick<BenchRow, 'samples'>, then: Pick<BenchRow, 'samples'>): Comparison {
  const [a, b] = [timesOf(now, 'laterRunMs'), timesOf(then, 'laterRunMs')];
  const ratio = a.median / b.median;
  if (now.samples.length < 2 || then.samples.length < 2) return { ratio, verdict: 'no spread' };
  if (a.max < b.min) return { ratio, verdict: 'faster' };
  return { ratio, verdict: a.min > b.max ? 'slower' : 'within the spread' };
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
