/**
 * When each word was said: some cross-attention heads of the decoder attend to the sound of the current token, and the
 * cheapest monotonic path through their mean attention gives each token its time.
 *
 * @see openai/whisper, whisper/timing.py: find_alignment
 */

import { InternalError } from '../../base/errors.ts';
import type { AudioFeatures, Inference } from '../../decode/inference.ts';
import type { Task, Tokenizer } from '../../text/tokenizer.ts';
import { FRAMES_PER_TICK, TICKS_PER_SECOND } from '../time.ts';
import { rowStarts } from './dtw.ts';
import { medianFilter } from './medianFilter.ts';

const MEDIAN_WIDTH = 7;

/** A word and its time in the window. */
export interface AlignedWord {
  readonly word: string;
  readonly tokens: readonly number[];
  /** Seconds from the start of the window. */
  readonly start: number;
  readonly end: number;
  /** Mean probability of its tokens. */
  readonly probability: number;
}

/** An aligned word with the probability of each of its tokens. */
export interface ScoredWord extends AlignedWord {
  readonly tokenProbs: readonly number[];
}

export interface AlignmentInput {
  readonly audio: AudioFeatures;
  /** Text tokens only, without timestamps. */
  readonly textTokens: readonly number[];
  readonly language: string;
  readonly task: Task;
  /** Frames of 10 ms of sound in the window. */
  readonly nFrames: number;
}

/** @returns consecutive words, each beginning where the last one ends */
export async function findAlignment(
  inference: Inference,
  tokenizer: Tokenizer,
  input: AlignmentInput,
  signal?: AbortSignal,
): Promise<AlignedWord[]> {
  const words = await scoredAlignment(inference, tokenizer, input, signal);
  return words.map(({ tokenProbs: _, ...word }) => word);
}

/** The same, with what each token's probability is. */
export async function scoredAlignment(
  inference: Inference,
  tokenizer: Tokenizer,
  input: AlignmentInput,
  signal?: AbortSignal,
): Promise<ScoredWord[]> {
  return (await tracedAlignment(inference, tokenizer, input, signal))?.words ?? [];
}

/** What the times of words come from. */
export interface TracedAlignment {
  readonly words: ScoredWord[];
  /** All that the decoder was given: start sequence, notimestamps, text, eot. */
  readonly tokens: readonly number[];
  /** Encoder positions of 20 ms. */
  readonly columns: number;
  /** Index in `tokens` of the path's first row: notimestamps, which predicts the first token of the text. */
  readonly firstRow: number;
  /** Rows of the path: one more than the text has tokens. */
  readonly rows: number;
  /** The negative mean of the filtered alignment heads; f32 [rows, columns]. */
  readonly costs: Float32Array;
  /** Column at which the path enters each row; [rows]. */
  readonly starts: Int32Array;
}

/** @returns undefined where there is nothing to align */
export async function tracedAlignment(
  inference: Pick<Inference, 'align'>,
  tokenizer: Tokenizer,
  { audio, textTokens, language, task, nFrames }: AlignmentInput,
  signal?: AbortSignal,
): Promise<TracedAlignment | undefined> {
  const columns = Math.floor(nFrames / FRAMES_PER_TICK);
  if (textTokens.length === 0 || columns === 0) return undefined;
  if (!inference.align) throw new InternalError('the engine has no alignment heads');
  const start = tokenizer.sotSequence(language, task);
  const tokens = [...start, tokenizer.noTimestamps, ...textTokens, tokenizer.eot];
  const mean = new HeadMean(tokens.length, columns);
  const request = { audio, tokens, columns, vocabEnd: tokenizer.eot };
  const tokenProbs = await inference.align(request, (scores) => mean.add(scores), signal);

  const words = tokenizer.splitToWordTokens([...textTokens, tokenizer.eot], language).slice(0, -1);
  if (words.length === 0) return undefined;
  // The row of notimestamps is kept, because it predicts the first text token; that of eot is not.
  const rows = textTokens.length + 1;
  const costs = mean.negated(start.length, rows);
  const starts = rowStarts(costs, rows, columns);
  let first = 0;
  const scored = words.map(({ word, tokens: own }) => {
    const begin = first;
    first += own.length;
    const probs = tokenProbs.subarray(start.length + begin, start.length + first);
    return {
      word,
      tokens: own,
      start: starts[begin]! / TICKS_PER_SECOND,
      end: starts[first]! / TICKS_PER_SECOND,
      probability: probs.reduce((sum, p) => sum + p, 0) / own.length,
      tokenProbs: [...probs],
    };
  });
  return { words: scored, tokens, columns, firstRow: start.length, rows, costs, starts };
}

/**
 * Words with estimated times, for engines without alignment heads: the tokens of a segment share its time evenly.
 *
 * @param offset seconds of the recording at which the window begins
 */
export function spreadWords(
  tokenizer: Tokenizer,
  segments: readonly { readonly start: number; readonly end: number; readonly tokens: readonly number[] }[],
  language: string,
  offset: number,
): AlignedWord[] {
  return segments.flatMap(({ start, end, tokens }) => {
    const text = tokens.filter((token) => token < tokenizer.eot);
    const time = (nBefore: number): number => start - offset + ((end - start) * nBefore) / text.length;
    let first = 0;
    return tokenizer
      .splitToWordTokens([...text, tokenizer.eot], language)
      .slice(0, -1)
      .map(({ word, tokens: own }) => {
        const begin = first;
        first += own.length;
        return { word, tokens: own, start: time(begin), end: time(first), probability: 0 };
      });
  });
}

/** Mean of all heads' attention, each normalised and smoothed first. */
export class HeadMean {
  readonly #rows: number;
  readonly #columns: number;
  readonly #sum: Float64Array;
  #heads = 0;

  constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
    this.#sum = new Float64Array(rows * columns);
  }

  /** @param scores before the softmax; f32 [rows, columns] */
  add(scores: Float32Array): void {
    if (scores.length !== this.#sum.length) throw new InternalError(`a head has ${scores.length} scores`);
    filteredHead(softmaxRows(scores, this.#columns), this.#rows, this.#columns).forEach((weight, i) => {
      this.#sum[i]! += weight;
    });
    this.#heads++;
  }

  /** The negative mean of `count` rows from `first` on, as costs for the path; f32 [count, columns]. */
  negated(first: number, count: number): Float32Array {
    const begin = first * this.#columns;
    // A loop, since Float32Array.from with a function takes 20 times as long.
    const costs = new Float32Array(count * this.#columns);
    for (let i = 0; i < costs.length; i++) costs[i] = -this.#sum[begin + i]! / this.#heads;
    return costs;
  }
}

/**
 * What the path takes of a head: columns normalised over the tokens, then rows smoothed.
 *
 * @param probabilities f32 [rows, columns]; overwritten
 */
export function filteredHead(probabilities: Float32Array, rows: number, columns: number): Float32Array {
  return medianFilter(normaliseColumns(probabilities, rows, columns), columns, MEDIAN_WIDTH);
}

/** @param scores f32 [rows, columns] @returns each row's probabilities */
export function softmaxRows(scores: Float32Array, columns: number): Float32Array {
  const out = new Float32Array(scores.length);
  for (let row = 0; row < scores.length; row += columns) {
    let max = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < columns; j++) max = Math.max(max, scores[row + j]!);
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += Math.exp(scores[row + j]! - max);
    for (let j = 0; j < columns; j++) out[row + j] = Math.exp(scores[row + j]! - max) / sum;
  }
  return out;
}

/** Subtracts each column's mean and divides by its standard deviation (of the population); in place. */
function normaliseColumns(x: Float32Array, rows: number, columns: number): Float32Array {
  for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += x[i * columns + j]!;
    const mean = sum / rows;
    let squares = 0;
    for (let i = 0; i < rows; i++) squares += (x[i * columns + j]! - mean) ** 2;
    const deviation = Math.sqrt(squares / rows);
    // Deviation 0: the column does not distinguish the tokens. openai/whisper gets NaN, which moves the words of a window
    // of one position by one to the left; that is kept. In a longer window NaN would make all times useless: 0 instead.
    const isKept = deviation > 0 || columns === 1;
    for (let i = 0; i < rows; i++) x[i * columns + j] = isKept ? (x[i * columns + j]! - mean) / deviation : 0;
  }
  return x;
}
