/** Transcribes many recordings, one after another or with their windows in common batches. */

import type { LogMel } from '../../audio/features/logMel.ts';
import { OptionsError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { contradiction, type DecodingCallbacks } from '../../decode/options.ts';
import { resolve } from '../../options/resolve.ts';
import type { OptionsOf, OptionTable } from '../../options/spec.ts';
import { resolveTranscribeOptions, TRANSCRIBE_OPTIONS } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { checkTranscription, refuseSpeakers, transcribe } from '../transcribe.ts';
import type { Segment, Transcript } from '../transcript.ts';
import type { BatchRecording } from './batch.ts';

/** Windows decoded at once unless another number is asked for. */
export const ALL_BATCH_SIZE = 8;

/** As those of `transcribe`, but for how many windows are decoded at once; with 1, one recording after another. */
const TRANSCRIBE_ALL_OPTIONS = {
  ...TRANSCRIBE_OPTIONS,
  batchSize: { ...TRANSCRIBE_OPTIONS.batchSize, default: ALL_BATCH_SIZE },
} as const satisfies OptionTable;

/** Segments and languages are in the results: there are no callbacks for them. */
export interface TranscribeAllOptions
  extends OptionsOf<typeof TRANSCRIBE_ALL_OPTIONS, 'transcribeAll'>,
    DecodingCallbacks,
    CallOptions {}

/** Recording `index` is done: its transcript, or what went wrong with it. */
export type RecordingResult =
  | { readonly index: number; readonly transcript: Transcript; readonly error?: undefined }
  | { readonly index: number; readonly transcript?: undefined; readonly error: unknown };

/**
 * @returns each recording's result as soon as it is complete: about in their order, short ones before long ones
 * @throws {OptionsError}, {DeviceError}; the signal's reason. What is wrong with one recording is in its result
 */
export async function* transcribeAll(
  model: SpeechModel,
  recordings: readonly BatchRecording[],
  options: TranscribeAllOptions = {},
): AsyncGenerator<RecordingResult, void, undefined> {
  const { batchSize } = resolve(TRANSCRIBE_ALL_OPTIONS, 'transcribeAll', options);
  if ('onSegment' in options || 'onLanguage' in options) {
    contradiction('Of several recordings, segments and languages are in the results.', 'Leave the callback out.');
  }
  const settings = { ...options, batchSize };
  checkTranscription(model, settings);
  refuseSpeakers(settings);
  if (batchSize === 1) {
    yield* oneByOne(model, recordings, options);
    return;
  }
  const { transcribeBatch } = await import('./batch.ts');
  const segments: Segment[][] = recordings.map(() => []);
  for await (const event of transcribeBatch(model, recordings, resolveTranscribeOptions(settings))) {
    const { index } = event;
    const own = segments[index] ?? [];
    if ('segment' in event) own.push(event.segment);
    else if ('error' in event) yield { index, error: event.error };
    else yield { index, transcript: { ...event.summary, segments: own } };
  }
}

async function* oneByOne(
  model: SpeechModel,
  recordings: readonly BatchRecording[],
  options: TranscribeAllOptions,
): AsyncGenerator<RecordingResult, void, undefined> {
  for (const [index, { name, open }] of recordings.entries()) {
    let mel: LogMel | undefined;
    try {
      const { onProgress } = options;
      mel = await open();
      const transcript = await transcribe(model, mel, {
        ...options,
        onProgress:
          onProgress && ((progress) => onProgress({ ...progress, ...(name !== undefined && { item: name }) })),
      });
      yield { index, transcript };
    } catch (error) {
      if (options.signal?.aborted || error instanceof OptionsError) throw error;
      yield { index, error };
    } finally {
      await mel?.close();
    }
  }
}
