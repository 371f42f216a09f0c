/** What a model thinks of each next token when it is led along another's: its raw logits, step by step, as it decodes. */
import type { AudioFeatures, Inference } from '../src/decode/inference.ts';
import type { LogitRules } from '../src/rules/logitRules.ts';

/** A window that was decoded greedily. */
export interface ForcedTokens {
  readonly initialTokens: readonly number[];
  readonly sotIndex: number;
  readonly rules: LogitRules;
  /** With `eot`, if it came to that. */
  readonly sampled: readonly number[];
}

/** For each of the sampled tokens the logits that it is chosen from, [nVocab]. */
export async function* forcedLogits(
  inference: Inference,
  audio: AudioFeatures,
  { initialTokens, sotIndex, rules, sampled }: ForcedTokens,
): AsyncGenerator<Float32Array, void, undefined> {
  const decoding = await inference.start([{ audio, initialTokens, sotIndex, rows: 1 }], rules);
  try {
    for (let i = 0; i < sampled.length; i++) {
      if (i > 0) decoding.advance([sampled[i - 1]!]);
      yield await decoding.logits();
    }
  } finally {
    decoding.close();
  }
}

/** How far two models' next tokens are apart, summed over steps. */
export interface Divergence {
  steps: number;
  /** Steps at which both hold the same token to be the most probable. */
  sameBest: number;
  /** Kullback-Leibler divergence of the second from the first, in nats; the sum of all steps. */
  kl: number;
  /** Where the best tokens differ: how much more probable the first model holds its own, by log-probability; the largest. */
  flippedGap: number;
}

export function noDivergence(): Divergence {
  return { steps: 0, sameBest: 0, kl: 0, flippedGap: 0 };
}

/** Adds a step. @param first logits of the model that is held to be right; `second` of the other; [nVocab] */
export function addStep(sum: Divergence, first: Float32Array, second: Float32Array): void {
  const [bestOfFirst, bestOfSecond] = [indexOfLargest(first), indexOfLargest(second)];
  const [logSumOfFirst, logSumOfSecond] = [logSumExp(first), logSumExp(second)];
  let kl = 0;
  for (let i = 0; i < first.length; i++) {
    const logprob = first[i]! - logSumOfFirst;
    kl += Math.exp(logprob) * (logprob - (second[i]! - logSumOfSecond));
  }
  sum.steps++;
  sum.kl += kl;
  if (bestOfFirst === bestOfSecond) sum.sameBest++;
  else sum.flippedGap = Math.max(sum.flippedGap, first[bestOfFirst]! - first[bestOfSecond]!);
}

function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function logSumExp(values: Float32Array): number {
  const largest = values[indexOfLargest(values)]!;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}
