/** The numbers of one choice: what the model says of each token, and what the rules leave of it. */
import { largest } from '../decode/search/topK.ts';
import { type LogitRules, logSumExp, MASKED, type RuleState } from '../rules/logitRules.ts';
import { type RuleName, type Strikes, strikes } from '../rules/strikes.ts';
import type { Struck } from './inspection.ts';

export interface CandidateNumbers {
  readonly token: number;
  readonly modelProbability: number;
  readonly probability: number;
  readonly rule?: RuleName;
}

export class StepNumbers {
  readonly struck: readonly Struck[];
  readonly #logits: Float32Array;
  readonly #strikes: Strikes;
  readonly #modelLogSum: number;
  readonly #allowed: { readonly count: number; readonly probability: number };
  readonly #listed: Set<number>;

  /**
   * @param logits after the filters, before the rules; f32 [nVocab]
   * @param wanted so many of the likeliest before the rules, and so many of those after
   */
  constructor(logits: Float32Array, state: RuleState, rules: LogitRules, wanted: number) {
    this.#logits = logits;
    this.#strikes = strikes(logits, state, rules);
    this.#modelLogSum = logSumExp(logits, 0, logits.length);
    const left = logits.slice();
    const struck = new Map<RuleName, { count: number; modelProbability: number }>();
    let [count, probability] = [0, 0];
    for (let id = 0; id < left.length; id++) {
      const rule = this.#strikes.ruleOf(id);
      if (rule === undefined) {
        count++;
        probability += Math.exp(left[id]! - this.#strikes.logSum);
        continue;
      }
      const sum = struck.get(rule) ?? { count: 0, modelProbability: 0 };
      sum.count++;
      sum.modelProbability += this.#modelProbability(id);
      struck.set(rule, sum);
      left[id] = MASKED;
    }
    this.#allowed = { count, probability };
    this.struck = [...struck]
      .map(([rule, sum]) => ({ rule, ...sum }))
      .sort((a, b) => b.modelProbability - a.modelProbability);
    const allowed = largest(left, wanted).filter((id) => left[id]! > MASKED);
    this.#listed = new Set([...largest(logits, wanted), ...allowed, rules.eot]);
  }

  /** Of all that are listed and `chosen`, the likeliest for the model first. */
  candidates(chosen: number): readonly CandidateNumbers[] {
    const ids = [...new Set([...this.#listed, chosen])].sort((a, b) => this.#logits[b]! - this.#logits[a]! || a - b);
    return ids.map((token) => {
      const rule = this.#strikes.ruleOf(token);
      const probability = rule === undefined ? Math.exp(this.#logits[token]! - this.#strikes.logSum) : 0;
      return { token, modelProbability: this.#modelProbability(token), probability, ...(rule && { rule }) };
    });
  }

  /** Allowed tokens beside these. */
  rest(candidates: readonly CandidateNumbers[]): { count: number; probability: number } {
    const listed = candidates.filter(({ rule }) => rule === undefined);
    const sum = listed.reduce((total, { probability }) => total + probability, 0);
    const { count, probability } = this.#allowed;
    return { count: count - listed.length, probability: Math.max(0, probability - sum) };
  }

  #modelProbability(token: number): number {
    return this.#logits[token]! <= MASKED ? 0 : Math.exp(this.#logits[token]! - this.#modelLogSum);
  }
}
