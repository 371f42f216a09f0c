/**
 * Transcribes a recording window by window, each beginning where the text of the last one ended.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */
import { N_FRAMES } from '../audio/constants.ts';
import type { LogMel } from '../audio/features/logMel.ts';
import { InternalError, OptionsError } from '../base/errors.ts';
import {
  checkTranscribeOptions,
  type ResolvedTranscribeOptions,
  resolveTranscribeOptions,
  type TranscribeOptions,
} from './options.ts';
import { prepareRecording, summaryOf } from './recording/recording.ts';
import type { SpeechModel } from './speechModel.ts';
import { FRAMES_PER_TICK, framesToSeconds } from './time.ts';
import type { Segment, Transcript, TranscriptSummary } from './transcript.ts';
import { promptHistory } from './window/prompt.ts';
import { WindowDecoder } from './window/window.ts';
import { WindowProgress } from './window/windowProgress.ts';
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
  given: SpeechModel,
  whole: LogMel,
  options: ResolvedTranscribeOptions,
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  const { signal, onProgress } = options;
  const progress = new WindowProgress(given, framesToSeconds(whole.nFrames), onProgress);
  const { model } = progress;
  const history = promptHistory(model, options);
  progress.beginDetection(options.languageDetectionSegments, framesToSeconds(Math.min(N_FRAMES, whole.nFrames)));
  const recording = await prepareRecording(model, whole, options);
  const { mel, clips, timeline, language } = recording;
  const decoder = new WindowDecoder(model, options);

  const toSeconds = (frame: number): number => framesToSeconds(timeline?.sourceFrame(frame) ?? frame);
  let id = 0;
  let lastSpeech = 0;
  for (const clip of clips) {
    let seek = clip.start;
    while (seek < clip.end) {
      signal?.throwIfAborted();
      const place = { seek, size: Math.min(N_FRAMES, clip.end - seek) };
      progress.beginWindow(toSeconds(seek), toSeconds(seek + place.size), place.size / FRAMES_PER_TICK);
      const [window] = await decoder.decode([{ mel, place, prompt: history.prompt, language, lastSpeech }]);
      const { segments, temperature, next } = window;
      lastSpeech = window.lastSpeech;
      seek = next;
      if (!segments) continue;
      history.add(
        segments.flatMap(({ tokens }) => tokens),
        temperature,
      );
      for (const found of segments) {
        const segment = { id: id++, ...(timeline?.sourceSegment(found) ?? found) };
        options.onSegment?.(segment);
        yield segment;
      }
    }
  }
  progress.end();
  return summaryOf(recording, model.tokenizer.decode(history.tokens));
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
