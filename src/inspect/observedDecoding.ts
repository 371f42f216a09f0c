/** A decoding that keeps the numbers of every choice that is made with it. */
import { NumericError } from '../base/errors.ts';
import type { Candidates, DecodeGroup, Decoding } from '../decode/inference.ts';
import { type LogitRules, ruleState } from '../rules/logitRules.ts';
import { type CandidateNumbers, StepNumbers } from './stepNumbers.ts';

export interface RecordedStep {
  readonly candidates: readonly CandidateNumbers[];
  readonly rest: { readonly count: number; readonly probability: number };
  readonly struck: StepNumbers['struck'];
}

export class ObservedDecoding implements Decoding {
  readonly #inner: Decoding;
  readonly #group: DecodeGroup;
  readonly #rules: LogitRules;
  readonly #wanted: number;
  /** By what was sampled before, and the token that was chosen: rows of beams part and die. */
  readonly #steps = new Map<string, RecordedStep>();
  #sampled: readonly (readonly number[])[];
  /** Of the rows' next tokens; undefined once these are chosen. */
  #current: ReadonlyMap<string, StepNumbers> | undefined;

  /** @param group whose rows decode, alone */
  constructor(inner: Decoding, group: DecodeGroup, rules: LogitRules, wanted: number) {
    this.#inner = inner;
    this.#group = group;
    this.#rules = rules;
    this.#wanted = wanted;
    this.#sampled = Array.from({ length: inner.rows }, () => []);
  }

  get rows(): number {
    return this.#inner.rows;
  }

  get noSpeechProb(): Float32Array {
    return this.#inner.noSpeechProb;
  }

  async candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    await this.#look(signal);
    return this.#inner.candidates(perRow, signal);
  }

  async logits(begin?: number, end?: number): Promise<Float32Array> {
    await this.#look();
    return this.#inner.logits(begin, end);
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    this.#sampled = this.#sampled.map((_, r) => {
      const before = this.#sampled[sourceRows?.[r] ?? r]!;
      this.#keep(before, tokens[r]!);
      return [...before, tokens[r]!];
    });
    this.#current = undefined;
    this.#inner.advance(tokens, sourceRows);
  }

  /** The choice of `token` after `before`, if it was made with this decoding. */
  step(before: readonly number[], token: number): RecordedStep | undefined {
    // Texts that end are not advanced.
    this.#keep(before, token);
    return this.#steps.get(keyOf([...before, token]));
  }

  close(): void {
    this.#inner.close();
  }

  #keep(before: readonly number[], token: number): void {
    const numbers = this.#current?.get(keyOf(before));
    if (!numbers) return;
    const candidates = numbers.candidates(token);
    this.#steps.set(keyOf([...before, token]), { candidates, rest: numbers.rest(candidates), struck: numbers.struck });
  }

  async #look(signal?: AbortSignal): Promise<void> {
    if (this.#current) return;
    signal?.throwIfAborted();
    const logits = await this.#inner.logits();
    const nVocab = logits.length / this.rows;
    const current = new Map<string, StepNumbers>();
    for (const [r, sampled] of this.#sampled.entries()) {
      const key = keyOf(sampled);
      if (sampled.at(-1) === this.#rules.eot || current.has(key)) continue;
      const row = logits.slice(r * nVocab, (r + 1) * nVocab);
      if (!row.every(Number.isFinite)) throw new NumericError('nonFinite', `The logits of row ${r} are not finite.`);
      const state = ruleState(sampled, this.#rules, this.#group.noEndBefore);
      current.set(key, new StepNumbers(row, state, this.#rules, this.#wanted));
    }
    this.#current = current;
    // Beams that end are candidates without being advanced.
    for (const sampled of this.#sampled) this.#keep(sampled, this.#rules.eot);
  }
}

function keyOf(tokens: readonly number[]): string {
  return tokens.join(' ');
}
