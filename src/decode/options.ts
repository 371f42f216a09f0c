/**
 * How one window is decoded, and when the result is good enough: openai/whisper's DecodingOptions and thresholds under
 * camelCase names.
 *
 * @see openai/whisper, whisper/decoding.py: DecodingOptions, DecodingTask._verify_options
 */
import { OptionsError } from '../base/errors.ts';
import { roundHalfEven } from '../base/python.ts';
import { checkValues } from '../options/check.ts';
import { resolve } from '../options/resolve.ts';
import type { OptionsOf, OptionTable, ResolvedOptions } from '../options/spec.ts';
import { TASKS } from '../text/tokenizer.ts';

const EVERYWHERE = ['decode', 'transcribe', 'transcribeAll', 'stream'] as const;
/** Where windows are decoded again if their text is not good enough. */
const WITH_FALLBACK = ['transcribe', 'transcribeAll', 'stream'] as const;
/** A stream decodes a window again and again while it grows: it needs timestamps, and cannot begin with a given text. */
const NOT_IN_STREAMS = ['decode', 'transcribe', 'transcribeAll'] as const;

/** Of one decoding: the kernel that steps them all has one workgroup (`kernels/sampling/advanceRows.ts`). */
export const MAX_ROWS = 256;

export const DECODING_OPTIONS = {
  language: {
    kind: 'text',
    where: EVERYWHERE,
    group: 'content',
    help: 'Language of the speech, such as de or German.',
    none: 'it is detected in the first 30 seconds.',
    command: { placeholder: 'CODE|NAME' },
  },
  task: {
    kind: 'choice',
    choices: TASKS,
    default: 'transcribe',
    where: EVERYWHERE,
    group: 'content',
    help: 'translate writes English whatever is spoken.',
  },
  prompt: {
    kind: 'tokens',
    where: ['decode'],
    group: 'content',
    help: 'What was said before. Its last 223 tokens are shown to the model.',
  },
  temperature: {
    kind: 'number',
    min: 0,
    default: 0,
    where: ['decode'],
    group: 'decoding',
    help: '0 takes the likeliest tokens; above 0 they are drawn, with logits divided by it.',
  },
  beamSize: {
    kind: 'integer',
    min: 1,
    max: MAX_ROWS,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Beams of the search at temperature 0.',
    none: 'the likeliest token alone is followed, which is quicker.',
    command: {
      default: 5,
      help: 'That is the default where temperature or batch_size is given or the sound comes live.',
    },
  },
  patience: {
    kind: 'number',
    min: 0,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'The search ends when beamSize times this many texts are finished.',
    none: 'it is 1.',
  },
  /** The exponent of Google's NMT (Wu et al. 2016, section 7). */
  lengthPenalty: {
    kind: 'number',
    min: 0,
    max: 1,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Between 0 and 1: how the length counts when finished texts are compared.',
    none: 'their scores are divided by it.',
  },
  bestOf: {
    kind: 'integer',
    min: 1,
    max: MAX_ROWS,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Texts drawn above temperature 0, of which the best is kept.',
    none: 'one is drawn.',
    command: { default: 5 },
  },
  seed: {
    kind: 'integer',
    min: 0,
    max: 2 ** 32 - 1,
    default: 0,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Of the draws: the same seed gives the same text on every device.',
  },
  /** Empty or null: nothing is suppressed, not even the special tokens that are otherwise. */
  suppressTokens: {
    kind: 'list',
    nullable: true,
    default: '-1',
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Token ids that are never chosen, with commas; -1 stands for most symbols that are not speech. "" suppresses nothing.',
    command: { placeholder: 'IDS' },
  },
  noSpeechThreshold: {
    kind: 'number',
    nullable: true,
    default: 0.6,
    where: WITH_FALLBACK,
    group: 'decoding',
    help: 'A window whose probability of no speech is above this, and whose text is improbable (logprobThreshold), is skipped.',
    none: 'no window is skipped.',
    command: { placeholder: 'P' },
  },
  logprobThreshold: {
    kind: 'number',
    nullable: true,
    default: -1,
    where: WITH_FALLBACK,
    group: 'decoding',
    help: 'A text whose average log-probability is below this is improbable, and the next temperature is tried. One above it counts as speech whatever noSpeechThreshold says.',
    none: 'no such test.',
  },
  compressionRatioThreshold: {
    kind: 'number',
    nullable: true,
    default: 2.4,
    where: WITH_FALLBACK,
    group: 'decoding',
    help: 'A text that deflate shrinks by more than this is taken for a loop, and the next temperature is tried.',
    none: 'no such test.',
  },
  promptResetOnTemperature: {
    kind: 'number',
    min: 0,
    default: 0.5,
    where: WITH_FALLBACK,
    group: 'decoding',
    help: 'A window decoded above this temperature is not shown to the next one.',
    command: { placeholder: 'T' },
  },
  /** Not openai/whisper's. */
  repetitionPenalty: {
    kind: 'number',
    above: 0,
    default: 1,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Above 1, words that the window has said already become less likely. Slow.',
  },
  /** Not openai/whisper's. */
  noRepeatNgramSize: {
    kind: 'integer',
    min: 0,
    default: 0,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'No run of so many tokens comes twice in a window; 0 lets any. Slow.',
  },
  prefix: {
    kind: 'tokens',
    where: NOT_IN_STREAMS,
    group: 'decoding',
    help: 'Text that every window begins with; no part of the result.',
  },
  sampleLen: {
    kind: 'integer',
    min: 1,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Most tokens of a window.',
    none: 'half of what the decoder holds (224).',
  },
  withoutTimestamps: {
    kind: 'boolean',
    default: false,
    where: NOT_IN_STREAMS,
    group: 'decoding',
    help: 'Text alone: one segment for each 30 seconds.',
  },
  suppressBlank: {
    kind: 'boolean',
    default: true,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'A window does not begin with a space alone, or with its end.',
  },
  /** 0 is no limit either. */
  maxInitialTimestamp: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    max: 30,
    nullable: true,
    default: 1,
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Latest start of the first text of a window.',
    none: 'no limit.',
  },
} as const satisfies OptionTable;

/**
 * Changes one row of raw logits, before the rules; -Infinity forbids an id.
 *
 * @param logits  f32 [nVocab], to be changed in place
 * @param sampled tokens the window has so far
 */
export type LogitFilter = (logits: Float32Array, sampled: readonly number[]) => void;

export interface DecodingCallbacks {
  /** Changes the logits of each step before the rules. Slow: all of them come to the host. */
  readonly logitFilter?: LogitFilter | undefined;
}

export interface DecodingOptions extends OptionsOf<typeof DECODING_OPTIONS, 'decode'>, DecodingCallbacks {}

export interface ResolvedDecodingOptions
  extends ResolvedOptions<typeof DECODING_OPTIONS, 'decode'>,
    DecodingCallbacks {}

/**
 * @throws {OptionsError} `contradiction` for options that exclude each other, `range` for a value out of its range,
 *   `type` for one of the wrong kind
 */
export function checkDecodingOptions(options: DecodingOptions): void {
  const { temperature = DECODING_OPTIONS.temperature.default, beamSize, bestOf } = options;
  checkValues(DECODING_OPTIONS, 'decode', options);
  checkLogitFilter(options);
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
  checkBeams(options);
}

/** Checked options with their defaults. */
export function resolveDecodingOptions(options: DecodingOptions): ResolvedDecodingOptions {
  return { ...resolve(DECODING_OPTIONS, 'decode', options), logitFilter: options.logitFilter };
}

/** @throws {OptionsError} `contradiction`, or `range` for beams that would keep no candidate */
export function checkBeams({ beamSize, patience }: Pick<DecodingOptions, 'beamSize' | 'patience'>): void {
  if (patience !== undefined && beamSize === undefined) {
    contradiction('patience needs beamSize.', 'Give beamSize too, or leave patience out.');
  }
  if (beamSize !== undefined && maxCandidates(beamSize, patience) < 1) {
    throw new OptionsError('range', `beamSize ${beamSize} with patience ${patience} would keep no candidate.`);
  }
}

/** @throws {OptionsError} `type` */
export function checkLogitFilter({ logitFilter }: DecodingCallbacks): void {
  if (logitFilter !== undefined && typeof logitFilter !== 'function') {
    throw new OptionsError('type', 'logitFilter is no function.');
  }
}

/** How many finished candidates end a beam search. */
export function maxCandidates(beamSize: number, patience = 1): number {
  return roundHalfEven(beamSize * patience);
}

/** @throws {OptionsError} `contradiction`, always */
export function contradiction(message: string, hint: string): never {
  throw new OptionsError('contradiction', message, { hint });
}
