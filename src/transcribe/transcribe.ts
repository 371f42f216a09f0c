/**
 * Transcribes a recording: its windows one after another, or in batches.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */
import type { LogMel } from '../audio/features/logMel.ts';
import { InternalError, OptionsError } from '../base/errors.ts';
import {
  checkTranscribeOptions,
  type ResolvedTranscribeOptions,
  resolveTranscribeOptions,
  type TranscribeOptions,
} from './options.ts';
import { windowsInSequence } from './sequence.ts';
import type { SpeechModel } from './speechModel.ts';
import type { Segment, Transcript, TranscriptSummary } from './transcript.ts';
import { requireAlignment } from './words/requireAlignment.ts';

/**
 * Text, segments and language of one recording.
 *
 * @throws {OptionsError}, {NumericError} `nonFinite`, or the signal's reason
 */
export async function transcribe(
  model: SpeechModel,
  mel: LogMel,
  options: TranscribeOptions = {},
): Promise<Transcript> {
  return collectTranscript(transcribeSegments(model, mel, options));
}

/** All segments, with what is known when they are. */
export async function collectTranscript(
  iterator: AsyncGenerator<Segment, TranscriptSummary, undefined>,
): Promise<Transcript> {
  const segments: Segment[] = [];
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) return { ...value, segments };
    segments.push(value);
  }
}

/** The same, segment by segment as soon as they are decoded. Leaving the loop stops the work and frees its memory. */
export async function* transcribeSegments(
  model: SpeechModel,
  mel: LogMel,
  options: TranscribeOptions = {},
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  checkTranscription(model, options);
  refuseSpeakers(options);
  const resolved = resolveTranscribeOptions(options);
  return yield* (resolved.batchSize > 1 ? inBatches : inSequence)(model, mel, resolved);
}

/** @throws {OptionsError}; the signal's reason if it has aborted */
export function checkTranscription({ inference }: SpeechModel, options: TranscribeOptions): void {
  checkTranscribeOptions(options);
  if (options.wordTimestamps) requireAlignment(inference);
  options.signal?.throwIfAborted();
}

/** A spectrogram has one channel. @throws {OptionsError} `contradiction` */
export function refuseSpeakers({ channels }: TranscribeOptions): void {
  if (channels !== 'speakers') return;
  throw new OptionsError('contradiction', 'Channels that are speakers are found in a recording alone.', {
    hint: 'Give it to the method transcribe or segments of Whisper.',
  });
}

async function* inSequence(
  model: SpeechModel,
  mel: LogMel,
  options: ResolvedTranscribeOptions,
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  for await (const event of windowsInSequence(model, mel, options)) {
    if ('summary' in event) return event.summary;
    for (const segment of event.window.segments) {
      options.onSegment?.(segment);
      yield segment;
    }
  }
  throw new InternalError('a recording ended without a summary');
}

async function* inBatches(
  model: SpeechModel,
  mel: LogMel,
  options: ResolvedTranscribeOptions,
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  // It is the caller's to close.
  const open = async (): Promise<LogMel> => ({
    nMels: mel.nMels,
    nFrames: mel.nFrames,
    window: (seek, size) => mel.window(seek, size),
    detectionWindow: () => mel.detectionWindow(),
    close: async () => {},
  });
  const { transcribeBatch } = await import('./batch/batch.ts');
  for await (const event of transcribeBatch(model, [{ open }], options)) {
    if ('error' in event) throw event.error;
    if ('summary' in event) return event.summary;
    options.onSegment?.(event.segment);
    yield event.segment;
  }
  throw new InternalError('a batch ended without a summary');
}
