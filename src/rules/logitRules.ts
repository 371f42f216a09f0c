/**
 * The logit rules of openai/whisper's decoder as data, and their meaning as one plain function.
 *
 * `decode/rules.ts` builds the data from options and tokenizer; the `chooseTokens` kernel does the same on a device and
 * takes `applyRules` as its reference; the scripted inference uses it too.
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

/** What the rules need to know of the tokens a row has sampled so far. Also the device's row of `ruleState`. */
export interface RuleState {
  /** Number of tokens sampled. */
  readonly sampled: number;
  /** The last timestamp id sampled, or -1. */
  readonly lastTimestamp: number;
  /** The last sampled token is a timestamp. */
  readonly lastIsTimestamp: boolean;
  /** Fewer than two tokens are sampled, or the last but one is a timestamp. */
  readonly penultimateIsTimestamp: boolean;
}

export function ruleState(sampled: readonly number[], rules: LogitRules): RuleState {
  const begin = rules.timestamps?.begin ?? Number.POSITIVE_INFINITY;
  let lastTimestamp = -1;
  for (const token of sampled) if (token >= begin) lastTimestamp = token;
  const n = sampled.length;
  return {
    sampled: n,
    lastTimestamp,
    lastIsTimestamp: n >= 1 && sampled[n - 1]! >= begin,
    penultimateIsTimestamp: n < 2 || sampled[n - 2]! >= begin,
  };
}

/** Stands for minus infinity wherever a device must not see one. */
export const MASKED = -1e30;

/**
 * Sets forbidden ids of one row to `MASKED`, in openai/whisper's order, and returns the log of the sum of exp of
 * what is left (so that `logits[i] - result` is the log-probability of i).
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
    if (state.lastIsTimestamp) {
      if (state.penultimateIsTimestamp) logits.fill(MASKED, ts.begin);
      else logits.fill(MASKED, 0, ts.eot);
    }
    if (state.lastTimestamp >= 0) {
      // The second half of a pair may repeat its time; anything else must be later.
      const allowEqual = state.lastIsTimestamp && !state.penultimateIsTimestamp;
      logits.fill(MASKED, ts.begin, allowEqual ? state.lastTimestamp : state.lastTimestamp + 1);
    }
    if (state.sampled === 0) {
      logits.fill(MASKED, 0, ts.begin);
      if (ts.maxInitial !== undefined) logits.fill(MASKED, ts.begin + ts.maxInitial + 1);
    }
    const timestampMass = logSumExp(logits, ts.begin, logits.length);
    let bestText = MASKED;
    for (let i = 0; i < ts.begin; i++) if (logits[i]! > bestText) bestText = logits[i]!;
    if (timestampMass > bestText) logits.fill(MASKED, 0, ts.begin);
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
    // The largest adds 1, so 10^5 terms of e^-60 cannot change a bit; most of a vocabulary is down there.
    if (below > -60) sum += Math.exp(below);
  }
  return max + Math.log(sum);
}
