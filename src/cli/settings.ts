/** What the options of `sotto AUDIO...` say, all of it checked before anything is loaded. */

import { OptionsError } from '../base/errors.ts';
import { DEVICES, type DeviceChoice } from '../devices/choose.ts';
import type { WrapOptions } from '../output/wrap.ts';
import type { Format } from '../output/writer.ts';
import { languageCode } from '../text/languages.ts';
import type { TranscribeOptions } from '../transcribe/options.ts';
import { checkTranscribeOptions } from '../transcribe/options.ts';
import { OUTPUT_FORMATS, TASKS } from './options.ts';
import type { OptionValues } from './values.ts';

export interface Settings {
  readonly model: string;
  readonly device: DeviceChoice;
  /** Undefined: those of the machine. */
  readonly threads: number | undefined;
  readonly cacheDir: string | undefined;
  readonly outputDir: string;
  readonly outputFormat: Format | 'all';
  /** Undefined: say nothing at all. */
  readonly verbose: boolean | undefined;
  readonly transcribe: TranscribeOptions;
  readonly layout: WrapOptions;
}

/** @throws {OptionsError} for values that are not what the option takes, out of range, or contradict each other */
export function readSettings(values: OptionValues): Settings {
  const threads = values.whole('threads');
  const transcribe = transcribeOptions(values);
  try {
    checkTranscribeOptions(transcribe);
  } catch (error) {
    throw error instanceof OptionsError ? asWritten(error) : error;
  }
  return {
    model: values.text('model'),
    device: values.choice('device', DEVICES),
    threads: threads === 0 ? undefined : threads,
    cacheDir: values.textOrNone('model_dir'),
    outputDir: values.text('output_dir'),
    outputFormat: values.choice('output_format', OUTPUT_FORMATS),
    verbose: values.flagOrNone('verbose'),
    transcribe,
    layout: layoutOptions(values),
  };
}

/** The library's sentence with the names that options have on the command line: `beamSize` is `--beam_size`. */
export function asWritten(error: OptionsError): OptionsError {
  const name = (text: string): string =>
    text.replace(
      /\b[a-z]+([A-Z][a-z]+)+\b/g,
      (word) => `--${word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
    );
  return new OptionsError(error.code, name(error.message), error.hint === undefined ? {} : { hint: name(error.hint) });
}

function transcribeOptions(values: OptionValues): TranscribeOptions {
  const language = values.textOrNone('language');
  // Punctuation that is not given is left to the library, which refuses it without word times.
  const given = (name: string): string | undefined => (values.isGiven(name) ? values.text(name) : undefined);
  return {
    language: language === undefined ? undefined : languageCode(language),
    task: values.choice('task', TASKS),
    initialPrompt: values.textOrNone('initial_prompt'),
    // In a batch their defaults are others.
    carryInitialPrompt: values.isGiven('carry_initial_prompt') ? values.flag('carry_initial_prompt') : undefined,
    conditionOnPreviousText: values.isGiven('condition_on_previous_text')
      ? values.flag('condition_on_previous_text')
      : undefined,
    hotwords: values.textOrNone('hotwords'),
    multilingual: values.flag('multilingual'),
    languageDetectionSegments: values.whole('language_detection_segments', 1),
    clipTimestamps: values.textOrNone('clip_timestamps'),
    batchSize: values.whole('batch_size', 1),
    vad: vadOptions(values),
    temperature: temperatures(
      values.number('temperature', 0),
      values.numberOrNone('temperature_increment_on_fallback'),
    ),
    beamSize: hasBeams(values) ? values.wholeOrNone('beam_size', 1) : undefined,
    patience: values.numberOrNone('patience'),
    lengthPenalty: values.numberOrNone('length_penalty'),
    bestOf: values.wholeOrNone('best_of', 1),
    seed: values.whole('seed'),
    suppressTokens: values.textOrNone('suppress_tokens') ?? null,
    noSpeechThreshold: values.numberOrNone('no_speech_threshold') ?? null,
    logprobThreshold: values.numberOrNone('logprob_threshold') ?? null,
    compressionRatioThreshold: values.numberOrNone('compression_ratio_threshold') ?? null,
    promptResetOnTemperature: values.isGiven('prompt_reset_on_temperature')
      ? values.number('prompt_reset_on_temperature', 0)
      : undefined,
    repetitionPenalty: values.number('repetition_penalty'),
    noRepeatNgramSize: values.whole('no_repeat_ngram_size'),
    prefix: values.textOrNone('prefix'),
    sampleLen: values.wholeOrNone('sample_len', 1),
    withoutTimestamps: values.flag('without_timestamps'),
    suppressBlank: values.flag('suppress_blank'),
    maxInitialTimestamp: values.numberOrNone('max_initial_timestamp') ?? null,
    wordTimestamps: values.flag('word_timestamps'),
    prependPunctuations: given('prepend_punctuations'),
    appendPunctuations: given('append_punctuations'),
    hallucinationSilenceThreshold: values.numberOrNone('hallucination_silence_threshold'),
  };
}

/**
 * openai's command has five beams. Who names a temperature asks, as in its library, for that alone; a batch is asked for
 * its speed, and beams would be so many rows for each of its windows.
 */
function hasBeams(values: OptionValues): boolean {
  return values.isGiven('beam_size') || !['temperature', 'batch_size'].some((name) => values.isGiven(name));
}

/** @throws {OptionsError} when the detector is given numbers and not asked for */
function vadOptions(values: OptionValues): TranscribeOptions['vad'] {
  const given = ['vad_threshold', 'vad_min_speech', 'vad_min_silence', 'vad_padding'].find((name) =>
    values.isGiven(name),
  );
  if (!values.flag('vad')) {
    if (given === undefined) return false;
    throw new OptionsError('contradiction', `--${given} has no effect without --vad True.`, {
      hint: 'Add --vad True.',
    });
  }
  return {
    threshold: values.number('vad_threshold', 0),
    minSpeech: values.number('vad_min_speech', 0),
    minSilence: values.number('vad_min_silence', 0),
    padding: values.number('vad_padding', 0),
  };
}

/**
 * `temperature`, and from there on in steps up to 1.
 * @see openai/whisper, whisper/transcribe.py, cli: np.arange(temperature, 1.0 + 1e-6, increment)
 */
export function temperatures(first: number, increment: number | undefined): number[] {
  if (increment === undefined) return [first];
  if (increment <= 0) {
    throw new OptionsError('badValue', `--temperature_increment_on_fallback is ${increment}, not above 0.`, {
      hint: 'None decodes once.',
    });
  }
  const count = Math.max(1, Math.ceil((1 + 1e-6 - first) / increment));
  return Array.from({ length: count }, (_, i) => first + i * increment);
}

/** @throws {OptionsError} when words are to be laid out and their times are not asked for */
function layoutOptions(values: OptionValues): WrapOptions {
  const layout = {
    highlightWords: values.flag('highlight_words'),
    maxLineWidth: values.wholeOrNone('max_line_width', 1),
    maxLineCount: values.wholeOrNone('max_line_count', 1),
    maxWordsPerLine: values.wholeOrNone('max_words_per_line', 1),
  };
  const names = ['highlight_words', 'max_line_width', 'max_line_count', 'max_words_per_line'];
  const asked = names.find((name) => !/^(none|false)$/i.test(values.text(name)));
  if (asked !== undefined && !values.flag('word_timestamps')) {
    throw new OptionsError('contradiction', `--${asked} lays out words, whose times are not asked for.`, {
      hint: 'Add --word_timestamps True.',
    });
  }
  if (layout.maxLineCount !== undefined && layout.maxLineWidth === undefined) {
    throw new OptionsError('contradiction', '--max_line_count has no effect without --max_line_width.');
  }
  if (layout.maxWordsPerLine !== undefined && layout.maxLineWidth !== undefined) {
    throw new OptionsError('contradiction', '--max_words_per_line has no effect together with --max_line_width.');
  }
  return layout;
}
