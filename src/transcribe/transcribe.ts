/**
 * Transcribes a recording window by window, each beginning where the last one's text ended.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */

import { InternalError, OptionsError } from '../base/errors.ts';
import type { LanguageDetection } from '../decode/languageDetect.ts';
import type { Task } from '../text/tokenizer.ts';
import { transcribeBatch } from './batch/batch.ts';
import {
  checkTranscribeOptions,
  type ResolvedTranscribeOptions,
  resolveTranscribeOptions,
  type TranscribeOptions,
} from './options.ts';
import { prepareRecording, summaryOf } from './recording/recording.ts';
import { promptHistory } from './window/prompt.ts';
import { type Segment, seconds } from './window/segments.ts';
import { type MelSource, type Transcriber, WINDOW_FRAMES, WindowDecoder } from './window/window.ts';

export type { TranscribeOptions } from './options.ts';
export type { Segment, Word } from './window/segments.ts';
export type { MelSource, Transcriber } from './window/window.ts';

/** What is known when all segments are. */
export interface TranscriptSummary {
  /** All text, as the tokenizer gives it: usually with a leading space. */
  readonly text: string;
  /** Code of the language. */
  readonly language: string;
  /** Present if the language was detected. */
  readonly detection?: LanguageDetection | undefined;
  /** `translate` if the text is a translation into English. */
  readonly task?: Task | undefined;
  /** Seconds of the recording, of which 10 ms are the least part; absent in a transcript made by hand. */
  readonly duration?: number | undefined;
}

export interface Transcript extends TranscriptSummary {
  readonly segments: readonly Segment[];
}

/**
 * Text, segments and language of one recording.
 *
 * @throws {OptionsError}, {NumericError} `nonFinite`, or the signal's reason
 */
export async function transcribe(
  model: Transcriber,
  mel: MelSource,
  options: TranscribeOptions = {},
): Promise<Transcript> {
  const segments: Segment[] = [];
  const iterator = transcribeSegments(model, mel, options);
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) return { ...value, segments };
    segments.push(value);
  }
}

/** The same segment by segment, as they are found. Leaving the loop stops the work and gives back what it holds. */
export async function* transcribeSegments(
  model: Transcriber,
  mel: MelSource,
  options: TranscribeOptions = {},
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  checkTranscription(model, options);
  const resolved = resolveTranscribeOptions(options);
  return yield* (resolved.batchSize > 1 ? inBatches : inSequence)(model, mel, resolved);
}

/** @throws {OptionsError}; the signal's reason if it has aborted */
export function checkTranscription(model: Transcriber, options: TranscribeOptions): void {
  checkTranscribeOptions(options);
  if (options.wordTimestamps && !model.inference.align) {
    throw new OptionsError('wordTimestamps', 'This engine cannot tell the times of words.');
  }
  options.signal?.throwIfAborted();
}

async function* inSequence(
  model: Transcriber,
  whole: MelSource,
  options: ResolvedTranscribeOptions,
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  const { signal, onProgress } = options;
  const history = promptHistory(model, options);
  const recording = await prepareRecording(model, whole, options);
  const { mel, clips, timeline, language } = recording;
  const decoder = new WindowDecoder(model, options);

  const total = recording.duration;
  let id = 0;
  let lastSpeech = 0;
  for (const clip of clips) {
    let seek = clip.start;
    while (seek < clip.end) {
      signal?.throwIfAborted();
      onProgress?.({ stage: 'transcribe', done: seconds(timeline?.sourceFrame(seek) ?? seek), total, unit: 'seconds' });
      const place = { seek, size: Math.min(WINDOW_FRAMES, clip.end - seek) };
      const [window] = await decoder.run([{ mel, place, prompt: history.prompt, language, lastSpeech }]);
      const { segments, temperature, next } = window!;
      ({ lastSpeech } = window!);
      seek = next;
      if (!segments) continue;
      history.add(
        segments.flatMap(({ tokens }) => tokens),
        temperature,
      );
      for (const segment of segments) {
        const told = { id: id++, ...(timeline?.sourceSegment(segment) ?? segment) };
        options.onSegment?.(told);
        yield told;
      }
    }
  }
  onProgress?.({ stage: 'transcribe', done: total, total, unit: 'seconds' });
  return summaryOf(recording, model.tokenizer.decode(history.said));
}

async function* inBatches(
  model: Transcriber,
  mel: MelSource,
  options: ResolvedTranscribeOptions,
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  for await (const event of transcribeBatch(model, [{ open: async () => mel }], options)) {
    if ('error' in event) throw event.error;
    if ('summary' in event) return event.summary;
    options.onSegment?.(event.segment);
    yield event.segment;
  }
  throw new InternalError('a batch ended without a summary');
}
