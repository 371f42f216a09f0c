/**
 * Which candidate of a window is kept.
 *
 * @see openai/whisper, whisper/decoding.py: MaximumLikelihoodRanker
 */
import type { Hypothesis } from './search.ts';

/**
 * Index of the candidate with the largest sum of log-probabilities for its length, the first of equals.
 *
 * @param lengthPenalty undefined: divided by the number of tokens; else by ((5 + n) / 6)^lengthPenalty
 */
export function bestHypothesis(candidates: readonly Hypothesis[], lengthPenalty?: number): number {
  let best = 0;
  let bestScore = Number.NEGATIVE_INFINITY;
  candidates.forEach(({ tokens, sumLogprob }, i) => {
    // An empty candidate divides by zero in openai/whisper and stops it; here it counts as one token long.
    const penalty = lengthPenalty === undefined ? tokens.length || 1 : ((5 + tokens.length) / 6) ** lengthPenalty;
    const score = sumLogprob / penalty;
    if (score > bestScore) {
      best = i;
      bestScore = score;
    }
  });
  return best;
}
