/** Transcribes many recordings, one after another or with their windows in common batches. */

import { OptionsError } from '../../base/errors.ts';
import { contradiction } from '../../decode/options.ts';
import type { TranscribeOptions } from '../options.ts';
import { checkTranscription, type Segment, type Transcript, transcribe } from '../transcribe.ts';
import type { Transcriber } from '../window/window.ts';
import { type BatchRecording, transcribeBatch } from './batch.ts';

export interface TranscribeAllOptions extends Omit<TranscribeOptions, 'onSegment' | 'onLanguage'> {
  /** Windows decoded at once, of one recording or of several; default 8. 1: one recording after another. */
  readonly batchSize?: number | undefined;
}

/** Recording `index` is done: its transcript, or what went wrong with it. */
export type RecordingResult =
  | { readonly index: number; readonly transcript: Transcript; readonly error?: undefined }
  | { readonly index: number; readonly transcript?: undefined; readonly error: unknown };

/**
 * @returns each recording's result as soon as it is complete: about in their order, short ones before long ones
 * @throws {OptionsError}, {DeviceError}; the signal's reason. What is wrong with one recording is in its result
 */
export async function* transcribeAll(
  model: Transcriber,
  recordings: readonly BatchRecording[],
  options: TranscribeAllOptions = {},
): AsyncGenerator<RecordingResult, void, undefined> {
  const { batchSize = 8 } = options;
  if ('onSegment' in options || 'onLanguage' in options) {
    contradiction('Of several recordings, segments and languages are told in the results.', 'Leave the callback out.');
  }
  checkTranscription(model, { ...options, batchSize });
  if (batchSize === 1) {
    yield* oneByOne(model, recordings, options);
    return;
  }
  const segments: Segment[][] = recordings.map(() => []);
  for await (const event of transcribeBatch(model, recordings, { ...options, batchSize })) {
    const { index } = event;
    const own = segments[index] ?? [];
    if ('segment' in event) own.push(event.segment);
    else if ('error' in event) yield { index, error: event.error };
    else yield { index, transcript: { ...event.summary, segments: own } };
  }
}

async function* oneByOne(
  model: Transcriber,
  recordings: readonly BatchRecording[],
  options: TranscribeAllOptions,
): AsyncGenerator<RecordingResult, void, undefined> {
  for (const [index, { name, open }] of recordings.entries()) {
    try {
      const { onProgress } = options;
      const transcript = await transcribe(model, await open(), {
        ...options,
        onProgress:
          onProgress && ((progress) => onProgress({ ...progress, ...(name !== undefined && { item: name }) })),
      });
      yield { index, transcript };
    } catch (error) {
      if (options.signal?.aborted || error instanceof OptionsError) throw error;
      yield { index, error };
    }
  }
}
