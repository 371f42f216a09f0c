/** A recording prepared for decoding: its clips, its speech, its language. */
import type { LogMel } from '../../audio/features/logMel.ts';
import type { ResolvedSpeechOptions } from '../../audio/features/vad.ts';
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import type { Task } from '../../text/tokenizer.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import type { TranscriptSummary } from '../transcript.ts';
import { type Clip, clipsOf, overlapOf } from './clips.ts';
import { recordingLanguage } from './language.ts';
import { detectSpeech, type SpeechMap } from './speech.ts';
import { Timeline } from './timeline.ts';

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
  let speech = vad || batchSize > 1 ? await detectSpeech(whole, signal) : undefined;
  let timeline: Timeline | undefined;
  if (vad && speech) {
    ({ timeline, clips } = spliceSpeech(clips, speech, vad));
    mel = timeline.splice(whole);
    speech = speech.splice(timeline);
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

/** Splices the speech of the clips. @returns the clips in the frames of the splice; those without speech are left out */
function spliceSpeech(given: readonly Clip[], speech: SpeechMap, options: ResolvedSpeechOptions) {
  const spans = speech.spans(options);
  const parts: Clip[] = [];
  const clips: Clip[] = [];
  let length = 0;
  for (const clip of given) {
    const start = length;
    for (const span of spans) {
      const part = overlapOf(clip, span);
      if (part.start >= part.end) continue;
      parts.push(part);
      length += part.end - part.start;
    }
    if (length > start) clips.push({ start, end: length });
  }
  return { timeline: new Timeline(parts, options.padding), clips };
}
