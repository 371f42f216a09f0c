/**
 * Tokens drawn with a temperature; with several rows, independent draws of one window.
 *
 * A draw is the maximum of `logit / temperature + gumbel noise`, with the noise of a token a function of seed, window, row,
 * step and id alone, so every device draws the same. The log-probabilities are those before the temperature, as in
 * openai/whisper. Draws are made here from the raw logits: they are rare (a window that failed at temperature 0).
 *
 * @see openai/whisper, whisper/decoding.py: GreedyDecoder at temperatures above 0
 */
import { NumericError } from '../../base/errors.ts';
import { applyRules, type LogitRules, MASKED, ruleState } from '../../rules/logitRules.ts';
import { drawKey, GUMBEL_SPREAD, gumbelAbove } from './gumbel.ts';
import { hypothesesOf, type Search } from './search.ts';

export interface SamplingOptions {
  /** Above 0. */
  readonly temperature: number;
  /** 0 .. 2^32 - 1. */
  readonly seed: number;
}

export function samplingSearch(nVocab: number, rules: LogitRules, options: SamplingOptions): Search {
  return async (decoding, groups, signal) => {
    const rows = groups.flatMap(({ rows, limit, stream, noEndBefore }) =>
      Array.from({ length: rows }, (_, row) => ({
        tokens: [] as number[],
        logprobs: [] as number[],
        limit,
        stream,
        row,
        noEndBefore,
      })),
    );
    for (;;) {
      signal?.throwIfAborted();
      const logits = await decoding.logits();
      let running = false;
      const next = rows.map((state, r) => {
        const { tokens, logprobs, limit } = state;
        if (tokens.at(-1) === rules.eot || tokens.length >= limit) return rules.eot;
        const row = logits.subarray(r * nVocab, (r + 1) * nVocab);
        const logSum = applyRules(row, ruleState(tokens, rules, state.noEndBefore), rules);
        if (Number.isNaN(logSum)) throw new NumericError('nonFinite', `The model's logits of row ${r} are not finite.`);
        const key = drawKey(options.seed, state.stream, state.row, tokens.length);
        const token = drawToken(row, options.temperature, (id, least) => gumbelAbove(key, id, least));
        tokens.push(token);
        logprobs.push(Math.fround(row[token]! - logSum));
        running ||= token !== rules.eot && tokens.length < limit;
        return token;
      });
      if (!running) break;
      decoding.advance(next);
    }
    return hypothesesOf(groups, rows, rules.eot);
  };
}

/**
 * The id with the largest `logits[id] / temperature + noise(id)`, ties by the lower id.
 *
 * @param logits filtered; f32 [nVocab]
 * @param noise  may be anything up to `least` where it is not above that: the id cannot win then
 */
export function drawToken(
  logits: Float32Array,
  temperature: number,
  noise: (id: number, least: number) => number,
): number {
  let leader = MASKED;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > leader) leader = logits[id]!;
  // Only ids that noise can lift over the leader are worth a logarithm.
  const least = leader - GUMBEL_SPREAD * temperature;
  let best = -1;
  let bestValue = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit < least || logit <= MASKED) continue;
    const scaled = (logit - leader) / temperature;
    const value = scaled + noise(id, bestValue - scaled);
    if (value > bestValue) {
      bestValue = value;
      best = id;
    }
  }
  return Math.max(best, 0);
}
