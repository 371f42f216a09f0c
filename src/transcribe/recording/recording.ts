/** A recording made ready to be decoded: its parts, its speech, its language. */
import {
  type Activity,
  DEFAULT_PADDING,
  measureActivity,
  type SpeechOptions,
  speechSpans,
} from '../../audio/features/vad.ts';
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import type { Task } from '../../text/tokenizer.ts';
import type { TranscribeOptions } from '../options.ts';
import type { TranscriptSummary } from '../transcribe.ts';
import { seconds } from '../window/segments.ts';
import type { MelSource, Transcriber } from '../window/window.ts';
import { type Clip, clipsOf, overlapOf } from './clips.ts';
import { recordingLanguage } from './language.ts';
import { Timeline } from './timeline.ts';

export interface Recording {
  /** What is decoded: all of it, or its speech alone, one part joined to the next. */
  readonly mel: MelSource;
  /** The parts to transcribe, in frames of `mel`. */
  readonly clips: readonly Clip[];
  /** Present if the speech was looked for. */
  readonly timeline?: Timeline | undefined;
  /** Of each frame of `mel`; present in batches. */
  readonly activity?: Activity | undefined;
  /** Seconds of all of it. */
  readonly duration: number;
  readonly task: Task;
  readonly language: string;
  readonly detection?: LanguageDetection | undefined;
}

/** @throws {OptionsError} `clipTimestamps`, `language` */
export async function prepareRecording(
  model: Transcriber,
  whole: MelSource,
  options: TranscribeOptions,
): Promise<Recording> {
  const { vad, batchSize = 1, signal } = options;
  const given = clipsOf(options.clipTimestamps ?? [], whole.nFrames);
  signal?.throwIfAborted();
  const measured = vad || batchSize > 1 ? await measureActivity(whole, signal) : undefined;
  let mel = whole;
  let clips = given;
  let timeline: Timeline | undefined;
  let activity = batchSize > 1 ? measured : undefined;
  if (vad && measured) {
    const spoken = speechIn(given, measured, vad === true ? {} : vad);
    timeline = spoken.timeline;
    clips = spoken.clips;
    mel = timeline.splice(whole);
    if (activity) {
      const { excess, peakedness } = measured;
      activity = {
        nFrames: mel.nFrames,
        excess: timeline.gather(excess),
        peakedness: timeline.gather(peakedness),
      };
    }
  }
  // With no speech at all, the language is that of the silence, as without looking for speech.
  const { language, detection } = await recordingLanguage(model, mel.nFrames > 0 ? mel : whole, options);
  options.onLanguage?.(language, detection);
  const { task = 'transcribe' } = options;
  return { mel, clips, timeline, activity, duration: seconds(whole.nFrames), task, language, detection };
}

export function summaryOf({ language, detection, task, duration }: Recording, text: string): TranscriptSummary {
  return { text, language, detection, task, duration };
}

/** Joins what is said in the clips. @returns the clips' places among the joined parts; those of silence are left out */
function speechIn(given: readonly Clip[], activity: Activity, options: SpeechOptions) {
  const spans = speechSpans(activity, options);
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
  return { timeline: new Timeline(parts, options.padding ?? DEFAULT_PADDING), clips };
}
