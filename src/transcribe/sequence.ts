/**
 * The windows of a recording, one after another, each beginning where the text of the last one ended.
 *
 * @see openai/whisper, whisper/transcribe.py: the loop in transcribe()
 */
import { N_FRAMES } from '../audio/constants.ts';
import type { LogMel } from '../audio/features/logMel.ts';
import type { ResolvedTranscribeOptions } from './options.ts';
import { prepareRecording, summaryOf } from './recording/recording.ts';
import type { SpeechModel } from './speechModel.ts';
import { FRAMES_PER_TICK, framesToSeconds } from './time.ts';
import type { Segment, TranscriptSummary } from './transcript.ts';
import { promptHistory } from './window/prompt.ts';
import type { WindowPlace } from './window/segments.ts';
import { WindowDecoder } from './window/window.ts';
import { WindowProgress } from './window/windowProgress.ts';

/** A window that has been decoded. */
export interface SequenceWindow {
  readonly place: WindowPlace;
  /** Tokens that it was shown of the text before. */
  readonly prompt: readonly number[];
  readonly language: string;
  /** Where speech ended before it, in seconds. */
  readonly lastSpeech: number;
  /** First frame of the next window. */
  readonly next: number;
  /** None if nothing of it is kept. */
  readonly segments: readonly Segment[];
}

/** The last event has what is known when all windows are. */
export type SequenceEvent = { readonly window: SequenceWindow } | { readonly summary: TranscriptSummary };

/** @param options with a batch size of 1 */
export async function* windowsInSequence(
  given: SpeechModel,
  whole: LogMel,
  options: ResolvedTranscribeOptions,
): AsyncGenerator<SequenceEvent, void, undefined> {
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
      const request = { mel, place, prompt: history.prompt, language, lastSpeech };
      const [window] = await decoder.decode([request]);
      lastSpeech = window.lastSpeech;
      seek = window.next;
      const found = window.segments ?? [];
      if (window.segments) {
        history.add(
          found.flatMap(({ tokens }) => tokens),
          window.temperature,
        );
      }
      const segments = found.map((one) => ({ id: id++, ...(timeline?.sourceSegment(one) ?? one) }));
      yield { window: { ...request, language: window.language, next: seek, segments } };
    }
  }
  progress.end();
  yield { summary: summaryOf(recording, model.tokenizer.decode(history.tokens)) };
}
