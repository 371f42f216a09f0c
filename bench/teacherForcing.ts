/** What a model thinks of each next token when it is led along another's: its raw logits, step by step, as it decodes. */
import type { AudioFeatures, DecodeGroup, Inference } from '../src/decode/inference.ts';
import { type LogitRules, logSumExp } from '../src/rules/logitRules.ts';

/** What is fed for one window, token by token. */
export interface ForcedTokens extends Pick<DecodeGroup, 'initialTokens' | 'sotIndex'> {
  readonly rules: LogitRules;
  /** After the initial tokens. */
  readonly fed: readonly number[];
}

/** Raw logits after the initial tokens, and after each token fed; [nVocab] each, fed.length + 1 of them. */
export async function* forcedLogits(
  inference: Inference,
  audio: AudioFeatures,
  { initialTokens, sotIndex, rules, fed }: ForcedTokens,
): AsyncGenerator<Float32Array, void, undefined> {
  const decoding = await inference.start([{ audio, initialTokens, sotIndex, rows: 1 }], rules);
  try {
    yield await decoding.logits();
    for (const token of fed) {
      decoding.advance([token]);
      yield await decoding.logits();
    }
  } finally {
    decoding.close();
  }
}

/** Logits of one step, and what is asked of them more than once. */
export interface Step {
  /** Raw, [nVocab]. */
  readonly logits: Float32Array;
  /** The most probable token. */
  readonly best: number;
  /** log(sum(exp(logits))) */
  readonly logSum: number;
}

export function stepOf(logits: Float32Array): Step {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return { logits, best, logSum: logSumExp(logits, 0, logits.length) };
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

/** Adds a step. @param first of the model that is held to be right; `second`: of the other */
export function addStep(sum: Divergence, first: Step, second: Step): void {
  const shift = second.logSum - first.logSum;
  let kl = 0;
  for (let i = 0; i < first.logits.length; i++) {
    const logit = first.logits[i]!;
    kl += Math.exp(logit - first.logSum) * (logit - second.logits[i]! + shift);
  }
  sum.steps++;
  sum.kl += kl;
  if (first.best === second.best) sum.sameBest++;
  else sum.flippedGap = Math.max(sum.flippedGap, first.logits[first.best]! - first.logits[second.best]!);
}
