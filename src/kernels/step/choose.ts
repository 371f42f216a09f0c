/** For references: the best ids of a row from its summaries, see summaries.ts; as chooseTokens.ts has it. */
import type { HostArray } from '../../engine/dtype.ts';
import { MASKED, timestampsWin } from '../../rules/logitRules.ts';
import { NO_TOKEN, NON_FINITE_TOKEN, RULE_STATE, RULES } from '../sampling/decodeState.ts';
import { isOfTimestamps, perRowOf, readSummary, type Summary } from './summaries.ts';

export interface Choices {
  /** [rows, perRow] */
  readonly ids: Uint32Array;
  readonly logprobs: Float32Array;
}

export interface ChoiceTables {
  readonly summaries: HostArray;
  readonly rules: HostArray;
  readonly ruleState: HostArray;
}

export function chooseFromSummaries(
  { summaries, rules, ruleState }: ChoiceTables,
  { entries, summaryWidth: width }: { readonly entries: number; readonly summaryWidth: number },
  liveRows: number,
): Choices {
  const perRow = perRowOf(width);
  const ids = new Uint32Array(liveRows * perRow);
  const logprobs = new Float32Array(liveRows * perRow);
  for (let row = 0; row < liveRows; row++) {
    const set = ruleState[RULE_STATE.at(row, 'set')]!;
    const begin = rules[RULES.at(set, 'timestampBegin')]!;
    const has = rules[RULES.at(set, 'hasTimestamps')] !== 0;
    const all = Array.from({ length: entries }, (_, entry) => ({
      ...readSummary(summaries, row * entries + entry, width),
      isTimestamp: has && isOfTimestamps(entry, begin),
    }));
    const stamps = all.filter(({ isTimestamp }) => isTimestamp);
    const text = all.filter(({ isTimestamp }) => !isTimestamp);
    const left = has && timestampsWin(logSum(stamps), topOf(text)) ? stamps : all;
    const best = left.flatMap((entry) => entry.best).sort((a, b) => b.logit - a.logit || a.id - b.id);
    const isSound = all.every(({ nonFinite }) => nonFinite === 0);
    for (let i = 0; i < perRow; i++) {
      const found = best[i];
      ids[row * perRow + i] = isSound ? (found?.id ?? NO_TOKEN) : NON_FINITE_TOKEN;
      logprobs[row * perRow + i] = !isSound ? 0 : found ? found.logit - logSum(left) : MASKED;
    }
  }
  return { ids, logprobs };
}

function topOf(entries: readonly Summary[]): number {
  return Math.max(MASKED, ...entries.map(({ max }) => max));
}

function logSum(entries: readonly Summary[]): number {
  const top = topOf(entries);
  const sum = entries.reduce((all, { max, sum: some }) => all + some * Math.exp(max - top), 0);
  return sum > 0 ? top + Math.log(sum) : MASKED;
}
