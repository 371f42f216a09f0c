/** What the options of `sotto AUDIO...` say, all of it checked before anything is loaded. */
import { availableParallelism } from 'node:os';
import { OptionsError } from '../base/errors.ts';
import type { NodeLoadOptions } from '../load.node.ts';
import { pick, resolve } from '../options/resolve.ts';
import type { ResolvedOptions } from '../options/spec.ts';
import { commandDefaults, withWrittenNames, writtenName } from '../options/text.ts';
import type { WrapOptions } from '../output/wrap.ts';
import { languageCode } from '../text/languages.ts';
import { checkTranscribeOptions, type TranscribeOptions } from '../transcribe/options.ts';
import { checkStreamOptions, type StreamOptions } from '../transcribe/stream/streamOptions.ts';
import { COMMAND_OPTIONS, type GivenOptions } from './options.ts';

export interface Settings extends ResolvedOptions<typeof COMMAND_OPTIONS, 'command'> {
  readonly load: NodeLoadOptions;
  readonly transcribe: TranscribeOptions;
  readonly layout: WrapOptions;
}

/**
 * @param prefix stands before an option's name in errors
 * @throws {OptionsError} for values that are out of range, or contradict each other
 */
export function readSettings(given: GivenOptions, prefix = '--'): Settings {
  const own = resolve(COMMAND_OPTIONS, 'command', given);
  const { beamSize, ...options } = {
    ...commandDefaults(COMMAND_OPTIONS, 'transcribe'),
    ...pick(COMMAND_OPTIONS, 'transcribe', given),
    ...languageAndTemperatures(given),
  };
  const transcribe = { ...options, beamSize: hasBeams(given) ? beamSize : undefined };
  asWritten(() => checkTranscribeOptions(transcribe), prefix);
  checkThreads(given.threads);
  return {
    ...own,
    load: pick(COMMAND_OPTIONS, 'load', given),
    transcribe,
    layout: layoutOptions(given, own.wordTimestamps, prefix),
  };
}

/** @throws {OptionsError} as readSettings */
export function readStreamOptions(given: GivenOptions): StreamOptions {
  const options = {
    ...commandDefaults(COMMAND_OPTIONS, 'stream'),
    ...pick(COMMAND_OPTIONS, 'stream', given),
    ...languageAndTemperatures(given),
    // Beams keep text waiting: only for who asks for them.
    beamSize: given.beamSize,
  };
  asWritten(() => checkStreamOptions(options), '--');
  return options;
}

/** The library's sentences with the names that options have on the command line: `beamSize` is `--beam_size`. */
function asWritten(check: () => void, prefix: string): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: withWrittenNames(error.hint, prefix) };
    throw new OptionsError(error.code, withWrittenNames(error.message, prefix), hint);
  }
}

/** More threads than these only take memory and time: the machine has no room to run them. */
export const MOST_THREADS = Math.max(64, 4 * availableParallelism());

/** @throws {OptionsError} `range` */
function checkThreads(threads: number | undefined): void {
  if (threads === undefined || threads <= MOST_THREADS) return;
  throw new OptionsError('range', `--threads ${threads} is more than the ${MOST_THREADS} that are taken here.`, {
    hint: `This machine runs ${availableParallelism()} at once, which is the default.`,
  });
}

function languageAndTemperatures(given: GivenOptions): Pick<TranscribeOptions, 'language' | 'temperature'> {
  const { temperature, temperatureIncrementOnFallback } = resolve(COMMAND_OPTIONS, 'command', given);
  const { language } = given;
  // whisper.cpp's word for what None stands for in openai's command.
  const isDetected = language === undefined || language.toLowerCase() === 'auto';
  return {
    language: isDetected ? undefined : languageCode(language),
    temperature: temperatures(temperature, temperatureIncrementOnFallback),
  };
}

/**
 * openai's command has five beams. Who names a temperature asks, as in its library, for that alone; a batch is asked for
 * its speed, and beams would be so many rows for each of its windows.
 */
function hasBeams(given: GivenOptions): boolean {
  return 'beamSize' in given || !('temperature' in given || 'batchSize' in given);
}

/**
 * `temperature`, and from there on in steps up to 1.
 * @see openai/whisper, whisper/transcribe.py, cli: np.arange(temperature, 1.0 + 1e-6, increment)
 */
export function temperatures(first: number, increment: number | null): number[] {
  if (increment === null) return [first];
  const count = Math.max(1, Math.ceil((1 + 1e-6 - first) / increment));
  return Array.from({ length: count }, (_, i) => first + i * increment);
}

/** @throws {OptionsError} when words are to be laid out and their times are not asked for */
function layoutOptions(given: GivenOptions, wordTimestamps: boolean, prefix: string): WrapOptions {
  const layout = pick(COMMAND_OPTIONS, 'layout', given);
  const asked = Object.entries(layout).find(([, value]) => value !== undefined && value !== false);
  if (asked !== undefined && !wordTimestamps) {
    throw new OptionsError(
      'contradiction',
      `${prefix}${writtenName(asked[0])} lays out words, whose times are not asked for.`,
      { hint: `Add ${prefix}word_timestamps True.` },
    );
  }
  if (layout.maxLineCount !== undefined && layout.maxLineWidth === undefined) {
    throw new OptionsError('contradiction', `${prefix}max_line_count has no effect without ${prefix}max_line_width.`);
  }
  if (layout.maxWordsPerLine !== undefined && layout.maxLineWidth !== undefined) {
    throw new OptionsError(
      'contradiction',
      `${prefix}max_words_per_line has no effect together with ${prefix}max_line_width.`,
    );
  }
  return layout;
}
