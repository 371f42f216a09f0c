/**
 * Which rule forbids a token, where decoding only asks whether it may be chosen. The rules are those of `applyRules`, in the
 * order in which openai/whisper applies them; a token that several forbid has the first one's name.
 */
import { allowedIds, type LogitRules, logSumExp, MASKED, type RuleState, timestampsWin } from './logitRules.ts';

/** Name of each rule, and what it says. */
export const RULES = {
  filter: 'a filter of the caller, or the rule against repetition, forbids it',
  suppressBlank: 'a window does not begin with a space alone, or with its end',
  suppressTokens: 'it is never chosen: no speech, or a task of the model',
  noTimestampsToken: '<|notimestamps|> is given, never chosen',
  timestampPair: 'timestamps come in pairs between texts',
  timestampOrder: 'timestamps do not go back in time',
  initialTimestamp: 'a window begins with a timestamp',
  maxInitialTimestamp: 'the first timestamp is not later than maxInitialTimestamp',
  moreSpeech: 'the text does not end where there is more speech',
  timestampMass: 'all timestamps together are likelier than any text',
} as const;

export type RuleName = keyof typeof RULES;

const NAMES = Object.keys(RULES) as RuleName[];

/** The rules' verdict on one row of logits. */
export interface Strikes {
  /** Name of the rule that forbids a token; undefined if it may be chosen. */
  ruleOf(token: number): RuleName | undefined;
  /** log(sum(exp)) of the logits that are left, as `applyRules` returns it. */
  readonly logSum: number;
}

/** @param logits finite, f32 [nVocab]; forbidden by a filter: `MASKED`. Not changed */
export function strikes(logits: Float32Array, state: RuleState, rules: LogitRules): Strikes {
  const ruleAt = new Int8Array(logits.length).fill(-1);
  const left = logits.slice();
  const strike = (id: number, name: RuleName): void => {
    if (ruleAt[id] !== -1 || id < 0 || id >= left.length) return;
    ruleAt[id] = NAMES.indexOf(name);
    left[id] = MASKED;
  };
  const strikeRange = (begin: number, end: number, name: RuleName): void => {
    for (let id = begin; id < end; id++) strike(id, name);
  };
  for (let id = 0; id < left.length; id++) if (left[id]! <= MASKED) strike(id, 'filter');
  if (state.sampled === 0) for (const id of rules.suppressAtStart) strike(id, 'suppressBlank');
  for (const id of rules.suppress) strike(id, 'suppressTokens');
  const ts = rules.timestamps;
  if (ts) {
    const { begin } = ts;
    const { text, timestamps } = allowedIds(state, ts, left.length);
    strike(ts.noTimestamps, 'noTimestampsToken');
    strikeRange(0, Math.min(text.begin, begin), 'timestampPair');
    strikeRange(text.end, begin, state.sampled === 0 ? 'initialTimestamp' : 'moreSpeech');
    if (timestamps.end <= begin) strikeRange(begin, left.length, 'timestampPair');
    strikeRange(begin, timestamps.begin, 'timestampOrder');
    strikeRange(timestamps.end, left.length, 'maxInitialTimestamp');
    let maxText = MASKED;
    for (let id = 0; id < begin; id++) if (left[id]! > maxText) maxText = left[id]!;
    if (timestampsWin(logSumExp(left, begin, left.length), maxText)) strikeRange(0, begin, 'timestampMass');
  }
  return { ruleOf: (token) => NAMES[ruleAt[token]!], logSum: logSumExp(left, 0, left.length) };
}
