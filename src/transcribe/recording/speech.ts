/** Where somebody speaks in a recording: everything that is decided on the speech detector's numbers is decided here. */
import { type Activity, measureActivity } from '../../audio/features/activity.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import {
  isSounding,
  type ResolvedSpeechOptions,
  type SpeechOptions,
  type SpeechSpan,
  speechSpans,
} from '../../audio/features/vad.ts';
import type { Clip } from './clips.ts';
import { overlapOf, Timeline } from './timeline.ts';

/** Shortest pause a recording is cut in, in frames: longer than the closure of a plosive. */
const MIN_PAUSE = 20;
/** A pause longer than this is cut in several places. */
const LONG_PAUSE = 1000;
/** Fewer frames of speech than this contain no word of their own. */
const MIN_WORD = 50;

export async function detectSpeech(mel: LogMel, signal?: AbortSignal): Promise<SpeechMap> {
  return new SpeechMap(await measureActivity(mel, signal));
}

export class SpeechMap {
  readonly #activity: Activity;

  constructor(activity: Activity) {
    this.#activity = activity;
  }

  /** Speech with its margins, in order. */
  spans(options: SpeechOptions): SpeechSpan[] {
    return speechSpans(this.#activity, options);
  }

  /** The middles and lengths of the pauses within the frames that are long enough to cut in; a long one has several middles. */
  pauses({ start, end }: Clip): { readonly middle: number; readonly length: number }[] {
    const found: { readonly middle: number; readonly length: number }[] = [];
    let begin = start;
    for (let frame = start; frame <= end; frame++) {
      if (frame < end && !isSounding(this.#activity, frame)) continue;
      const length = frame - begin;
      const parts = length < MIN_PAUSE ? 0 : Math.ceil(length / LONG_PAUSE);
      for (let i = 0; i < parts; i++) found.push({ middle: begin + Math.floor(((i + 0.5) * length) / parts), length });
      begin = frame + 1;
    }
    return found;
  }

  /** Do the frames contain a word? The rest of one that began before them does not count. */
  hasSpeech({ start, end }: Clip): boolean {
    const { excess, peakedness } = this.#activity;
    const part = {
      nFrames: Math.max(0, end - start),
      excess: excess.subarray(start, end),
      peakedness: peakedness.subarray(start, end),
    };
    const spans = speechSpans(part, { padding: 0, minSilence: 0 });
    return spans.reduce((sum, span) => sum + span.end - span.start, 0) >= MIN_WORD;
  }

  /** The last frame from which on the frames contain a word; undefined if they contain none. */
  lastWord({ start, end }: Clip): number | undefined {
    if (!this.hasSpeech({ start, end })) return undefined;
    let [first, last] = [start, end];
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if (this.hasSpeech({ start: middle, end })) first = middle;
      else last = middle;
    }
    return first;
  }

  /** The speech of the spliced parts of the recording. */
  splice(timeline: Timeline): SpeechMap {
    const { excess, peakedness } = this.#activity;
    return new SpeechMap({
      nFrames: timeline.nFrames,
      excess: timeline.gather(excess),
      peakedness: timeline.gather(peakedness),
    });
  }
}

/** Splices the speech of the clips. @returns the clips in the frames of the splice; those without speech are left out */
export function spliceSpeech(given: readonly Clip[], speech: SpeechMap, options: ResolvedSpeechOptions) {
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
