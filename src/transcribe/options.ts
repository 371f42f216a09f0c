/**
 * How a recording is transcribed: openai/whisper's arguments of `transcribe()` under camelCase names, with its defaults.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */

import type { SpeechOptions } from '../audio/features/vad.ts';
import { OptionsError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { LanguageDetection } from '../decode/languageDetect.ts';
import {
  checkDecodingOptions,
  contradiction,
  type DecodingOptions,
  decodingOptionNames,
  flag,
  number,
} from '../decode/options.ts';
import type { Segment } from './transcript.ts';

export interface TranscribeOptions extends Omit<DecodingOptions, 'temperature' | 'prompt'>, CallOptions {
  /**
   * Temperatures tried in turn until a window's text is good enough. Default 0, 0.2, 0.4, 0.6, 0.8, 1. `beamSize` and
   * `patience` count at 0 alone, `bestOf` above it.
   */
  readonly temperature?: number | readonly number[] | undefined;
  /** Default 2.4; null: not tested. */
  readonly compressionRatioThreshold?: number | null | undefined;
  /** Default -1; null: not tested. */
  readonly logprobThreshold?: number | null | undefined;
  /** Default 0.6; null: not tested. */
  readonly noSpeechThreshold?: number | null | undefined;
  /** Each window is shown the text before it (default). */
  readonly conditionOnPreviousText?: boolean | undefined;
  /** Text that the first window is shown as if it had been said before: names, spelling, style. */
  readonly initialPrompt?: string | undefined;
  /** Show it to every window; default false. */
  readonly carryInitialPrompt?: boolean | undefined;
  /** Words shown to every window before all else, so that they are known and spelt so. Not with `prefix`. */
  readonly hotwords?: string | undefined;
  /** A window decoded at a temperature above this one is not shown to the next; default 0.5. */
  readonly promptResetOnTemperature?: number | undefined;
  /** Detect the language of every window, for recordings in several languages. Not with `language`. */
  readonly multilingual?: boolean | undefined;
  /** Windows of 30 s whose probabilities are averaged to detect the language; default 1, the first. */
  readonly languageDetectionSegments?: number | undefined;
  /** Parts to transcribe, in seconds: start, end, start, end ... as a list or with commas; the last end may be left out. */
  readonly clipTimestamps?: string | readonly number[] | undefined;
  /** Times of single words too; segment borders then follow them. Default false. */
  readonly wordTimestamps?: boolean | undefined;
  /** Punctuation that is joined to the word behind it. */
  readonly prependPunctuations?: string | undefined;
  /** Punctuation that is joined to the word before it. */
  readonly appendPunctuations?: string | undefined;
  /** Seconds; text with so much silence around it is dropped if its words are unlikely. Needs `wordTimestamps`. */
  readonly hallucinationSilenceThreshold?: number | undefined;
  /**
   * Looks for speech first, and decodes nothing else: silence is not imagined to be text. true, or the detector's
   * numbers. Times are those of the recording; the timestamp tokens in `tokens` are those of the speech alone. Default
   * false.
   */
  readonly vad?: boolean | SpeechOptions | undefined;
  /**
   * Windows decoded at once; default 1. Above 1 the recording is cut in pauses, and no window is shown what was said
   * before: the initial prompt is shown to all of them, unless `carryInitialPrompt` is false.
   */
  readonly batchSize?: number | undefined;
  /** Told once the language is known: detected, or as given (then without probabilities). */
  readonly onLanguage?: ((language: string, detection?: LanguageDetection) => void) | undefined;
  /** Told each segment as soon as it is final. */
  readonly onSegment?: ((segment: Segment) => void) | undefined;
}

export const defaultTemperatures: readonly number[] = [0, 0.2, 0.4, 0.6, 0.8, 1];

const names = new Set<string>([
  ...decodingOptionNames.filter((name) => name !== 'prompt'),
  'compressionRatioThreshold',
  'logprobThreshold',
  'noSpeechThreshold',
  'conditionOnPreviousText',
  'initialPrompt',
  'carryInitialPrompt',
  'hotwords',
  'promptResetOnTemperature',
  'multilingual',
  'languageDetectionSegments',
  'clipTimestamps',
  'wordTimestamps',
  'prependPunctuations',
  'appendPunctuations',
  'hallucinationSilenceThreshold',
  'vad',
  'batchSize',
  'onLanguage',
  'onSegment',
  'onProgress',
  'onWarning',
  'signal',
] satisfies (keyof TranscribeOptions)[]);

/** @throws {OptionsError} `unknown` for a name that is no option, else as `checkDecodingOptions` */
export function checkTranscribeOptions(options: TranscribeOptions): void {
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new OptionsError('unknown', `There is no option ${name}.`);
  }
  const { temperature, bestOf, beamSize, patience, ...common } = options;
  const temperatures = temperatureList(temperature);
  if (temperatures.length === 0) throw new OptionsError('range', 'temperature is an empty list.');
  for (const t of temperatures)
    checkDecodingOptions({ ...common, ...(t > 0 ? { bestOf } : { beamSize, patience }), temperature: t });
  if (patience !== undefined && beamSize === undefined) {
    contradiction('patience needs beamSize.', 'Give beamSize too, or leave patience out.');
  }
  number(
    'compressionRatioThreshold',
    options.compressionRatioThreshold ?? undefined,
    -Number.MAX_VALUE,
    Number.MAX_VALUE,
  );
  number('logprobThreshold', options.logprobThreshold ?? undefined, -Number.MAX_VALUE, Number.MAX_VALUE);
  number('noSpeechThreshold', options.noSpeechThreshold ?? undefined, -Number.MAX_VALUE, Number.MAX_VALUE);
  flag('conditionOnPreviousText', options.conditionOnPreviousText);
  flag('carryInitialPrompt', options.carryInitialPrompt);
  text('hotwords', options.hotwords);
  if (options.hotwords && options.prefix?.length)
    contradiction('hotwords and prefix exclude each other.', 'Give one of them.');
  number('promptResetOnTemperature', options.promptResetOnTemperature, 0, Number.MAX_VALUE);
  flag('multilingual', options.multilingual);
  if (options.multilingual && options.language !== undefined) {
    contradiction(
      'multilingual and language exclude each other.',
      'Leave the language out: it is detected window by window.',
    );
  }
  number('languageDetectionSegments', options.languageDetectionSegments, 1, Number.MAX_VALUE, true);
  flag('wordTimestamps', options.wordTimestamps);
  const wordOptions = ['prependPunctuations', 'appendPunctuations', 'hallucinationSilenceThreshold'] as const;
  for (const name of wordOptions) {
    if (options[name] === undefined || options.wordTimestamps) continue;
    contradiction(`${name} needs wordTimestamps.`, 'Set wordTimestamps to true.');
  }
  text('prependPunctuations', options.prependPunctuations);
  text('appendPunctuations', options.appendPunctuations);
  number('hallucinationSilenceThreshold', options.hallucinationSilenceThreshold, 0, Number.MAX_VALUE);
  text('initialPrompt', options.initialPrompt);
  checkVad(options.vad);
  number('batchSize', options.batchSize, 1, Number.MAX_VALUE, true);
  if ((options.batchSize ?? 1) === 1) return;
  if (options.conditionOnPreviousText) {
    contradiction(
      'conditionOnPreviousText and batchSize exclude each other: windows of a batch are decoded at the same time.',
      'Leave one of them out.',
    );
  }
  if (options.promptResetOnTemperature !== undefined) {
    contradiction(
      'promptResetOnTemperature has no effect in a batch, whose windows are not shown one another.',
      'Leave it out.',
    );
  }
}

const vadNames = [
  'threshold',
  'minSpeech',
  'minSilence',
  'padding',
] as const satisfies readonly (keyof SpeechOptions)[];

function checkVad(vad: TranscribeOptions['vad']): void {
  if (typeof vad !== 'object') {
    flag('vad', vad);
    return;
  }
  for (const name of Object.keys(vad)) {
    if (!vadNames.some((known) => known === name)) throw new OptionsError('unknown', `There is no option vad.${name}.`);
  }
  for (const name of vadNames) number(`vad.${name}`, vad[name], 0, Number.MAX_VALUE);
}

function text(name: string, value: string | undefined): void {
  if (value !== undefined && typeof value !== 'string') throw new OptionsError('type', `${name} is no text.`);
}

export function temperatureList(temperature: number | readonly number[] = defaultTemperatures): readonly number[] {
  return typeof temperature === 'number' ? [temperature] : temperature;
}
