/** How a stream is transcribed: what `transcribe` takes, as far as it has a meaning for sound that is still coming. */

import type { CallOptions } from '../../base/progress.ts';
import type { DecodingCallbacks } from '../../decode/options.ts';
import { checkNames, checkValues } from '../../options/check.ts';
import { resolve } from '../../options/resolve.ts';
import type { CallbackNames, OptionsOf, OptionTable, ResolvedOptions } from '../../options/spec.ts';
import { checkTranscribeOptions, type SegmentCallbacks, TRANSCRIBE_OPTIONS } from '../options.ts';

export const STREAM_OPTIONS = {
  ...TRANSCRIBE_OPTIONS,
  minChunk: {
    kind: 'number',
    unit: 'seconds',
    min: 0.1,
    max: 30,
    default: 1,
    where: ['stream'],
    group: 'stdin',
    help: 'New sound that is waited for before it is decoded again. Less is quicker to print, and more work.',
  },
  /** 30 gives what `transcribe` gives. */
  maxBuffer: {
    kind: 'number',
    unit: 'seconds',
    min: 1,
    max: 30,
    default: 30,
    where: ['stream'],
    group: 'stdin',
    help: 'Sound that is decoded again and again; when there is more, it is cut after the last segment that is stable. Less is quicker and less exact.',
  },
} as const satisfies OptionTable;

interface Callbacks extends DecodingCallbacks, SegmentCallbacks, Pick<CallOptions, 'signal'> {}

const CALLBACKS = {
  logitFilter: true,
  onLanguage: true,
  onSegment: true,
  signal: true,
} as const satisfies CallbackNames<Callbacks>;

export interface StreamOptions extends OptionsOf<typeof STREAM_OPTIONS, 'stream'>, Callbacks {}

export interface ResolvedStreamOptions extends ResolvedOptions<typeof STREAM_OPTIONS, 'stream'>, Callbacks {}

/** Checked options with their defaults. */
export function resolveStreamOptions(options: StreamOptions): ResolvedStreamOptions {
  return { ...options, ...resolve(STREAM_OPTIONS, 'stream', options) };
}

/** @throws {OptionsError} as `checkTranscribeOptions`; `unknown` for options of it that a stream does not have */
export function checkStreamOptions(options: StreamOptions): void {
  checkNames(STREAM_OPTIONS, 'stream', options, CALLBACKS, 'A stream has no option');
  checkValues(STREAM_OPTIONS, 'stream', options);
  const { minChunk, maxBuffer, ...shared } = options;
  // The times of words are always looked for.
  checkTranscribeOptions({ ...shared, wordTimestamps: true });
}
