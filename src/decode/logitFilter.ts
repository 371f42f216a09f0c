/**
 * Changes to the logits beyond the rules: penalties for repetition, and the user's own. They run on the host over all
 * logits, so a window that uses them reads nVocab numbers a row and step.
 */
import { NumericError } from '../base/errors.ts';
import { applyRules, type LogitRules, MASKED, ruleState } from '../rules/logitRules.ts';
import type { Candidates, DecodeGroup, Decoding } from './inference.ts';
import type { LogitFilter, ResolvedDecodingOptions } from './options.ts';
import { largest } from './search/topK.ts';

/** The filters that options ask for, in this order. */
export function logitFilter(options: ResolvedDecodingOptions, eot: number): LogitFilter {
  const { repetitionPenalty, noRepeatNgramSize, logitFilter: own } = options;
  const filters: LogitFilter[] = [];
  if (repetitionPenalty !== 1) filters.push(penaliseRepetition(repetitionPenalty, eot));
  if (noRepeatNgramSize > 0) filters.push(forbidRepeatedNgrams(noRepeatNgramSize));
  if (own) filters.push(own);
  return (logits, sampled) => {
    for (const filter of filters) filter(logits, sampled);
  };
}

/**
 * Text tokens that the window has said already: a positive logit is divided, a negative one multiplied.
 *
 * @see Keskar et al. 2019, "CTRL", section 4.1
 */
function penaliseRepetition(penalty: number, eot: number): LogitFilter {
  return (logits, sampled) => {
    for (const id of new Set(sampled)) {
      if (id < eot) logits[id] = logits[id]! > 0 ? logits[id]! / penalty : logits[id]! * penalty;
    }
  };
}

/** Forbids tokens that would end a run of `size` tokens which the window has already. */
function forbidRepeatedNgrams(size: number): LogitFilter {
  return (logits, sampled) => {
    const from = sampled.length - (size - 1);
    for (let i = 0; i < from; i++) {
      let k = 0;
      while (k < size - 1 && sampled[i + k] === sampled[from + k]) k++;
      if (k === size - 1) logits[sampled[i + k]!] = Number.NEGATIVE_INFINITY;
    }
  };
}

/** A decoding whose logits go through a filter; rules and choice then happen here. */
export class FilteredDecoding implements Decoding {
  readonly #inner: Decoding;
  readonly #nVocab: number;
  readonly #rules: LogitRules;
  readonly #filter: LogitFilter;
  readonly #noEndBefore: readonly number[];
  #sampled: readonly (readonly number[])[];

  /** @param groups whose rows decode */
  constructor(
    inner: Decoding,
    groups: readonly Pick<DecodeGroup, 'rows' | 'noEndBefore'>[],
    nVocab: number,
    rules: LogitRules,
    filter: LogitFilter,
  ) {
    this.#inner = inner;
    this.#nVocab = nVocab;
    this.#rules = rules;
    this.#filter = filter;
    this.#noEndBefore = groups.flatMap(({ rows, noEndBefore = 0 }) => Array.from({ length: rows }, () => noEndBefore));
    this.#sampled = Array.from({ length: inner.rows }, () => []);
  }

  get rows(): number {
    return this.#inner.rows;
  }

  get noSpeechProb(): Float32Array {
    return this.#inner.noSpeechProb;
  }

  /** Filtered, before the rules. */
  async logits(begin = 0, end = this.#nVocab): Promise<Float32Array> {
    const all = await this.#inner.logits();
    this.#sampled.forEach((sampled, r) => {
      const row = all.subarray(r * this.#nVocab, (r + 1) * this.#nVocab);
      if (!row.every(Number.isFinite)) throw nonFinite(r);
      this.#filter(row, sampled);
      for (let id = 0; id < row.length; id++) if (row[id] === Number.NEGATIVE_INFINITY) row[id] = MASKED;
    });
    if (begin === 0 && end === this.#nVocab) return all;
    const part = new Float32Array(this.rows * (end - begin));
    for (let r = 0; r < this.rows; r++) {
      part.set(all.subarray(r * this.#nVocab + begin, r * this.#nVocab + end), r * (end - begin));
    }
    return part;
  }

  async candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    signal?.throwIfAborted();
    const all = await this.logits();
    const tokens = new Uint32Array(this.rows * perRow);
    const logprobs = new Float32Array(this.rows * perRow);
    this.#sampled.forEach((sampled, r) => {
      const row = all.subarray(r * this.#nVocab, (r + 1) * this.#nVocab);
      const logSum = applyRules(row, ruleState(sampled, this.#rules, this.#noEndBefore[r]), this.#rules);
      if (Number.isNaN(logSum)) throw nonFinite(r);
      for (const [k, id] of largest(row, perRow).entries()) {
        tokens[r * perRow + k] = id;
        logprobs[r * perRow + k] = row[id]! <= MASKED ? Number.NEGATIVE_INFINITY : row[id]! - logSum;
      }
    });
    return { perRow, tokens, logprobs };
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    this.#sampled = this.#sampled.map((_, r) => [...this.#sampled[sourceRows?.[r] ?? r]!, tokens[r]!]);
    this.#inner.advance(tokens, sourceRows);
  }

  close(): void {
    this.#inner.close();
  }
}

function nonFinite(row: number): NumericError {
  return new NumericError('nonFinite', `The logits of row ${row} are not finite.`);
}
