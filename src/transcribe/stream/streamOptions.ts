/** How a stream is transcribed: what `transcribe` takes, as far as it has a meaning for sound that is still coming. */

import { OptionsError } from '../../base/errors.ts';
import { number } from '../../decode/options.ts';
import { checkTranscribeOptions, type TranscribeOptions } from '../options.ts';

/** What a stream shares with `transcribe`. */
export const transcribeNames = [
  'task',
  'language',
  'temperature',
  'sampleLen',
  'bestOf',
  'beamSize',
  'patience',
  'lengthPenalty',
  'suppressTokens',
  'suppressBlank',
  'maxInitialTimestamp',
  'repetitionPenalty',
  'noRepeatNgramSize',
  'logitFilter',
  'seed',
  'compressionRatioThreshold',
  'logprobThreshold',
  'noSpeechThreshold',
  'conditionOnPreviousText',
  'initialPrompt',
  'carryInitialPrompt',
  'hotwords',
  'promptResetOnTemperature',
  'prependPunctuations',
  'appendPunctuations',
  'onLanguage',
  'onSegment',
  'signal',
] as const satisfies readonly (keyof TranscribeOptions)[];

export interface StreamOptions extends Pick<TranscribeOptions, (typeof transcribeNames)[number]> {
  /** Seconds of new sound that are waited for before it is decoded again; 0.1 to 30, default 1. */
  readonly minChunk?: number | undefined;
  /**
   * Seconds of sound that are decoded again and again; when there is more, it is cut behind the last segment that is
   * stable. 1 to 30, default 30, which gives what `transcribe` gives; less is quicker.
   */
  readonly maxBuffer?: number | undefined;
}

/** @throws {OptionsError} as `checkTranscribeOptions`; `unknown` for options of it that a stream does not have */
export function checkStreamOptions(options: StreamOptions): void {
  const { minChunk, maxBuffer, ...rest } = options;
  const known: readonly string[] = transcribeNames;
  for (const name of Object.keys(rest)) {
    if (!known.includes(name)) throw new OptionsError('unknown', `A stream has no option ${name}.`);
  }
  // The times of words are always looked for.
  checkTranscribeOptions({ ...rest, wordTimestamps: true });
  number('minChunk', minChunk, 0.1, 30);
  number('maxBuffer', maxBuffer, 1, 30);
}
