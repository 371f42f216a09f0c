/**
 * How one window is decoded: openai/whisper's DecodingOptions under camelCase names, with its checks.
 *
 * @see openai/whisper, whisper/decoding.py: DecodingOptions, DecodingTask._verify_options
 */
import { OptionsError } from '../base/errors.ts';
import { roundHalfEven } from '../base/python.ts';
import type { Task } from '../text/tokenizer.ts';

/**
 * Changes one row of raw logits, before the rules; -Infinity forbids an id.
 *
 * @param logits  f32 [nVocab], to be changed in place
 * @param sampled tokens the window has so far
 */
export type LogitFilter = (logits: Float32Array, sampled: readonly number[]) => void;

export interface DecodingOptions {
  /** `transcribe` (default) writes what is said, `translate` its English translation. */
  readonly task?: Task | undefined;
  /** Code, English name or alias. Undefined: detected. */
  readonly language?: string | undefined;
  /** 0 (default): the most probable tokens. Above: tokens are drawn, with logits divided by it. */
  readonly temperature?: number | undefined;
  /** Most tokens sampled a window; half the text context (224) if undefined. */
  readonly sampleLen?: number | undefined;
  /** Independent samples drawn, of which the best is kept; only with a temperature above 0. */
  readonly bestOf?: number | undefined;
  /** Beams of the beam search; only at temperature 0. Undefined: greedy. */
  readonly beamSize?: number | undefined;
  /** Beam search goes on until `round(beamSize * patience)` candidates are finished; 1 if undefined. */
  readonly patience?: number | undefined;
  /** 0..1, Google NMT's exponent. Undefined: scores are divided by the length. */
  readonly lengthPenalty?: number | undefined;
  /** Text or tokens of what was said before. Its last 223 tokens are shown to the model. */
  readonly prompt?: string | readonly number[] | undefined;
  /** Text or tokens the window begins with; no part of the result. */
  readonly prefix?: string | readonly number[] | undefined;
  /**
   * Ids never sampled, as a list or with commas between them; -1 stands for the non-speech tokens (default `-1`). Empty or
   * null: nothing is suppressed, not even the special tokens that are otherwise.
   */
  readonly suppressTokens?: string | readonly number[] | null | undefined;
  /** A window does not begin with a space alone or with the end; true if undefined. */
  readonly suppressBlank?: boolean | undefined;
  readonly withoutTimestamps?: boolean | undefined;
  /** Latest time of the first timestamp, in seconds (default 1); 0 or null: no limit. */
  readonly maxInitialTimestamp?: number | null | undefined;
  /** Above 1, words that the window has said already become less likely; 1 if undefined. Not openai/whisper's. */
  readonly repetitionPenalty?: number | undefined;
  /** No run of so many tokens comes twice in a window; 0 (any may) if undefined. Not openai/whisper's. */
  readonly noRepeatNgramSize?: number | undefined;
  /** Changes the logits of each step before the rules. Slow: all of them come to the host. */
  readonly logitFilter?: LogitFilter | undefined;
  /** Seed of the draws above temperature 0; 0 if undefined. The same seed gives the same draws on every device. */
  readonly seed?: number | undefined;
}

/** Names of all decoding options, to tell an unknown one. */
export const decodingOptionNames = [
  'task',
  'language',
  'temperature',
  'sampleLen',
  'bestOf',
  'beamSize',
  'patience',
  'lengthPenalty',
  'prompt',
  'prefix',
  'suppressTokens',
  'suppressBlank',
  'withoutTimestamps',
  'maxInitialTimestamp',
  'repetitionPenalty',
  'noRepeatNgramSize',
  'logitFilter',
  'seed',
] as const satisfies readonly (keyof DecodingOptions)[];

/**
 * @throws {OptionsError} `contradiction` for options that exclude each other, `range` for a value out of its range,
 *   `type` for one of the wrong kind
 */
export function checkDecodingOptions(options: DecodingOptions): void {
  const { temperature = 0, beamSize, bestOf, patience, lengthPenalty } = options;
  number('temperature', options.temperature, 0, Number.MAX_VALUE);
  count('sampleLen', options.sampleLen);
  count('bestOf', bestOf);
  count('beamSize', beamSize);
  number('patience', patience, 0, Number.MAX_VALUE);
  number('lengthPenalty', lengthPenalty, 0, 1);
  number('maxInitialTimestamp', options.maxInitialTimestamp ?? undefined, 0, 30);
  number('repetitionPenalty', options.repetitionPenalty, Number.MIN_VALUE, Number.MAX_VALUE);
  number('noRepeatNgramSize', options.noRepeatNgramSize, 0, Number.MAX_VALUE, true);
  if (options.logitFilter !== undefined && typeof options.logitFilter !== 'function') {
    throw new OptionsError('type', 'logitFilter is no function.');
  }
  number('seed', options.seed, 0, 2 ** 32 - 1, true);
  flag('suppressBlank', options.suppressBlank);
  flag('withoutTimestamps', options.withoutTimestamps);
  if (options.task !== undefined && options.task !== 'transcribe' && options.task !== 'translate') {
    throw new OptionsError('range', `task is "${options.task}", not "transcribe" or "translate".`);
  }
  if (options.language !== undefined && typeof options.language !== 'string') {
    throw new OptionsError('type', `language is ${options.language}, not a code or a name.`);
  }
  tokensOrText('prompt', options.prompt);
  tokensOrText('prefix', options.prefix);

  if (beamSize !== undefined && bestOf !== undefined) {
    contradiction(
      'beamSize and bestOf exclude each other.',
      'Beams are searched at temperature 0, samples drawn above.',
    );
  }
  if (temperature === 0 && bestOf !== undefined) {
    contradiction(
      'bestOf needs a temperature above 0: at 0 all samples are the same.',
      'Give a temperature, or beamSize.',
    );
  }
  if (temperature > 0 && beamSize !== undefined) {
    contradiction('beamSize needs temperature 0.', 'Give bestOf instead, or leave temperature out.');
  }
  if (patience !== undefined && beamSize === undefined) {
    contradiction('patience needs beamSize.', 'Give beamSize too, or leave patience out.');
  }
  if (beamSize !== undefined && maxCandidates(beamSize, patience) < 1) {
    throw new OptionsError('range', `beamSize ${beamSize} with patience ${patience} would keep no candidate.`);
  }
}

/** How many finished candidates end a beam search. */
export function maxCandidates(beamSize: number, patience = 1): number {
  return roundHalfEven(beamSize * patience);
}

/** @throws {OptionsError} `range` or `type` unless undefined or a number in [least, most] */
export function number(name: string, value: number | undefined, least: number, most: number, whole = false): void {
  if (value === undefined) return;
  if (typeof value !== 'number') throw new OptionsError('type', `${name} is ${String(value)}, not a number.`);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return;
  const wanted = most === Number.MAX_VALUE ? `at least ${least}` : `from ${least} to ${most}`;
  throw new OptionsError('range', `${name} is ${value}, not a ${whole ? 'whole ' : ''}number ${wanted}.`);
}

function count(name: string, value: number | undefined): void {
  number(name, value, 1, Number.MAX_VALUE, true);
}

/** @throws {OptionsError} `type` unless undefined, true or false */
export function flag(name: string, value: boolean | undefined): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new OptionsError('type', `${name} is ${String(value)}, not true or false.`);
  }
}

function tokensOrText(name: string, value: string | readonly number[] | undefined): void {
  if (value === undefined || typeof value === 'string') return;
  if (Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0)) return;
  throw new OptionsError('type', `${name} is neither a text nor a list of token ids.`);
}

/** @throws {OptionsError} `contradiction`, always */
export function contradiction(message: string, hint: string): never {
  throw new OptionsError('contradiction', message, { hint });
}
