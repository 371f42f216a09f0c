/** Figures in words. */
import type { CaseResult, Comparison } from 'sotto/lab';

export function figure(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'infinity' : '-infinity';
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : String(Number(value.toPrecision(6)));
}

/** [row, column ...] of an element. */
export function indexOf({ shape }: Comparison, index: number): string {
  const at: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    at.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${at.join(', ')}]`;
}

/** What is wrong with an output, without its worst element. */
export function shareWrong({ wrong, count, nans }: Comparison): string {
  if (wrong === 0) return `All ${count} are within the tolerance.`;
  const share = `${wrong} of ${count} are outside of it`;
  if (nans === 0) return `${share}.`;
  return nans === wrong
    ? `${share}, all NaN: outputs hold NaN before, so these were not written, or NaN came of what was read.`
    : `${share}, ${nans} of them NaN.`;
}

/** What `failures` says in a checker's words, in those of a person. */
export function explained(failure: string): string {
  const canary = /^canary (\d+)/.exec(failure);
  if (canary) {
    const before = canary[1] === '0' ? 'before the first argument' : `behind argument ${canary[1]}`;
    return `It writes outside of its arguments: the guard words ${before} were overwritten.`;
  }
  if (failure.startsWith('a loop does not end'))
    return 'A loop does not end. It was left after 16 million turns of one invocation, and nothing was run after it.';
  const twice = /^(\w+) differs between two runs/.exec(failure);
  if (twice)
    return `${twice[1]} is not the same in two runs on the same input: a race, or memory that is read before it is written.`;
  return `${failure}.`;
}

/** At most one output is shown: the one that is worst. */
export function worstOutput({ outputs }: Pick<CaseResult, 'outputs'>): Comparison | undefined {
  return outputs.reduce<Comparison | undefined>(
    (worst, one) => (worst && !(one.ratio > worst.ratio) ? worst : one),
    undefined,
  );
}
