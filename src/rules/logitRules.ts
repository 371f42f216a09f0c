/**
 * The logit rules of openai/whisper's decoder as data, and their meaning as plain functions.
 *
 * `decode/rules.ts` builds the data from options and tokenizer. `allowedIds` and `nextRuleState` are the reference of the
 * kernels that do the same on a device (kernels/sampling); `applyRules` is made of them, for decoding on the host.
 *
 * @see openai/whisper, whisper/decoding.py: SuppressBlank, SuppressTokens, ApplyTimestampRules
 */

export interface TimestampRules {
  /** Id of `<|0.00|>`; every id from here on is a timestamp. */
  readonly begin: number;
  readonly noTimestamps: number;
  readonly eot: number;
  /** Largest first timestamp, in 0.02 s ticks after `begin`; undefined: no limit. */
  readonly maxInitial?: number | undefined;
}

export interface LogitRules {
  readonly eot: number;
  /** Id whose probability at `sotIndex` is `noSpeechProb`; undefined: the model has none (0 is reported). */
  readonly noSpeech?: number | undefined;
  /** Ids never sampled. */
  readonly suppress: readonly number[];
  /** Ids not sampled as the first token of a window (SuppressBlank). */
  readonly suppressAtStart: readonly number[];
  /** Undefined: decoding without timestamps, all timestamp ids are ordinary tokens. */
  readonly timestamps?: TimestampRules | undefined;
}

/** What the rules need to know of the tokens a row has sampled so far. */
export interface RuleState {
  /** Number of tokens sampled. */
  readonly sampled: number;
  /** The last timestamp id sampled, or -1. */
  readonly lastTimestamp: number;
  /** The last sampled token is a timestamp. */
  readonly lastIsTimestamp: boolean;
  /** Fewer than two tokens are sampled, or the last but one is a timestamp. */
  readonly penultimateIsTimestamp: boolean;
  /** A timestamp id: after a pair of earlier ones comes more text, and no `eot`. 0: the text may end there. */
  readonly noEndBefore: number;
}

/** Of a row that has sampled nothing. */
export const INITIAL_RULE_STATE: RuleState = {
  sampled: 0,
  lastTimestamp: -1,
  lastIsTimestamp: false,
  penultimateIsTimestamp: true,
  noEndBefore: 0,
};

/** @param timestampBegin first timestamp id; undefined: decoding without timestamps */
export function nextRuleState(state: RuleState, token: number, timestampBegin: number | undefined): RuleState {
  const isTimestamp = timestampBegin !== undefined && token >= timestampBegin;
  return {
    sampled: state.sampled + 1,
    lastTimestamp: isTimestamp ? token : state.lastTimestamp,
    lastIsTimestamp: isTimestamp,
    penultimateIsTimestamp: state.sampled === 0 || state.lastIsTimestamp,
    noEndBefore: state.noEndBefore,
  };
}

export function ruleState(sampled: readonly number[], rules: LogitRules, noEndBefore = 0): RuleState {
  const start: RuleState = { ...INITIAL_RULE_STATE, noEndBefore };
  return sampled.reduce((state, token) => nextRuleState(state, token, rules.timestamps?.begin), start);
}

/** Ids from `begin` up to `end`. */
export interface IdRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * What the timestamp rules leave of the ids of text and of the timestamps, before text and timestamps are weighed against
 * each other.
 *
 * @param timestamps undefined: all ids are text
 */
export function allowedIds(
  state: RuleState,
  timestamps: Pick<TimestampRules, 'begin' | 'eot' | 'maxInitial'> | undefined,
  nVocab: number,
): { readonly text: IdRange; readonly timestamps: IdRange } {
  if (!timestamps) return { text: { begin: 0, end: nVocab }, timestamps: { begin: nVocab, end: nVocab } };
  const { begin, eot, maxInitial } = timestamps;
  const isFirst = state.sampled === 0;
  // Timestamps come in pairs: after the first of one only its second may come, after the second no third.
  const isPairOpen = state.lastIsTimestamp && !state.penultimateIsTimestamp;
  const isPairClosed = state.lastIsTimestamp && state.penultimateIsTimestamp;
  const hasMoreText = isPairClosed && state.sampled > 1 && state.lastTimestamp < state.noEndBefore;
  // The second of a pair may repeat its time; any other must be later.
  const earliest = state.lastTimestamp < 0 ? begin : state.lastTimestamp + (isPairOpen ? 0 : 1);
  const latest = isFirst && maxInitial !== undefined ? Math.min(begin + maxInitial + 1, nVocab) : nVocab;
  return {
    text: { begin: isPairOpen ? eot : 0, end: isFirst ? 0 : hasMoreText ? eot : begin },
    timestamps: { begin: Math.max(begin, earliest), end: isPairClosed ? begin : latest },
  };
}

/** Together more probable than the most probable text, timestamps win. */
export function timestampsWin(logSumTimestamps: number, maxText: number): boolean {
  return logSumTimestamps > maxText;
}

/** Stands for minus infinity wherever a device must not see one. */
export const MASKED = -1e30;

/**
 * Sets forbidden ids of one row to `MASKED` and returns the log of the sum of exp of what is left (so that
 * `logits[i] - result` is the log-probability of i).
 *
 * @param logits f32 [nVocab], changed in place
 * @returns log-sum-exp of the filtered row; NaN if the row holds NaN or +Infinity
 */
export function applyRules(logits: Float32Array, state: RuleState, rules: LogitRules): number {
  // By index: for-of over a typed array took five times as long (Node 20), and rows have 51865 values.
  for (let i = 0; i < logits.length; i++) if (!Number.isFinite(logits[i])) return Number.NaN;
  if (state.sampled === 0) for (const id of rules.suppressAtStart) logits[id] = MASKED;
  for (const id of rules.suppress) logits[id] = MASKED;
  const ts = rules.timestamps;
  if (ts) {
    logits[ts.noTimestamps] = MASKED;
    const { text, timestamps } = allowedIds(state, ts, logits.length);
    logits.fill(MASKED, 0, text.begin);
    logits.fill(MASKED, Math.max(text.begin, text.end), timestamps.begin);
    logits.fill(MASKED, Math.max(timestamps.begin, timestamps.end));
    const logSum = logSumExp(logits, ts.begin, logits.length);
    let maxText = MASKED;
    for (let i = 0; i < ts.begin; i++) if (logits[i]! > maxText) maxText = logits[i]!;
    if (timestampsWin(logSum, maxText)) logits.fill(MASKED, 0, ts.begin);
  }
  return logSumExp(logits, 0, logits.length);
}

/** log(sum(exp(x[begin..end]))), shifted by the maximum; at least MASKED. */
export function logSumExp(x: ArrayLike<number>, begin: number, end: number): number {
  let max = MASKED;
  for (let i = begin; i < end; i++) if (x[i]! > max) max = x[i]!;
  if (max <= MASKED) return MASKED;
  let sum = 0;
  for (let i = begin; i < end; i++) {
    const below = x[i]! - max;
    // The largest adds 1, so 10^5 terms of e^-60 cannot change a bit; most of a vocabulary is below that.
    if (below > -60) sum += Math.exp(below);
  }
  return max + Math.log(sum);
}
