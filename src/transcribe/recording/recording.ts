/** A recording prepared for decoding: its clips, its speech, its language. */
import type { LogMel } from '../../audio/features/logMel.ts';
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import type { Task } from '../../text/tokenizer.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import type { TranscriptSummary } from '../transcript.ts';
import { type Clip, clipsOf } from './clips.ts';
import { recordingLanguage } from './language.ts';
import type { SpeechMap } from './speech.ts';
import type { Timeline } from './timeline.ts';

export interface Recording {
  /** What is decoded: all of it, or only its speech, spliced. */
  readonly mel: LogMel;
  /** The parts to transcribe, in frames of `mel`. */
  readonly clips: readonly Clip[];
  /** How `mel` was spliced; present with `vad`. */
  readonly timeline?: Timeline | undefined;
  /** The speech in `mel`; present with `vad`, and in batches. */
  readonly speech?: SpeechMap | undefined;
  /** Seconds of the whole recording. */
  readonly duration: number;
  readonly task: Task;
  readonly language: string;
  readonly detection?: LanguageDetection | undefined;
}

/** @throws {OptionsError} `clipTimestamps`, `language` */
export async function prepareRecording(
  model: SpeechModel,
  whole: LogMel,
  options: ResolvedTranscribeOptions,
): Promise<Recording> {
  const { vad, batchSize, signal } = options;
  let mel = whole;
  let clips = clipsOf(options.clipTimestamps ?? [], whole.nFrames);
  signal?.throwIfAborted();
  let speech: SpeechMap | undefined;
  let timeline: Timeline | undefined;
  if (vad || batchSize > 1) {
    const { detectSpeech, spliceSpeech } = await import('./speech.ts');
    speech = await detectSpeech(whole, signal);
    if (vad) {
      ({ timeline, clips } = spliceSpeech(clips, speech, vad));
      mel = timeline.splice(whole);
      speech = speech.splice(timeline);
    }
  }
  // Without any speech the language is that of the silence, as without speech detection.
  const { language, detection } = await recordingLanguage(model, mel.nFrames > 0 ? mel : whole, options);
  options.onLanguage?.(language, detection);
  const { task } = options;
  return { mel, clips, timeline, speech, duration: framesToSeconds(whole.nFrames), task, language, detection };
}

export function summaryOf({ language, detection, task, duration }: Recording, text: string): TranscriptSummary {
  return { text, language, detection, task, duration };
}
