/**
 * Voice activity detection by energy and spectral flatness alone: no weights, the same result everywhere.
 *
 * A frame is speech when its bands are well above the noise around it and its spectrum is not flat: noise is equally
 * strong in all bands, a voice is not. The noise of each band is its level in the quietest tenth of the seconds around a
 * frame (minimum statistics, R. Martin 2001, with a quantile in place of the minimum, since the whole recording is
 * known). Two thresholds keep a span from breaking up once it has begun; short sounds are dropped, short pauses closed,
 * and a margin is added on both sides.
 *
 * It separates sound from stationary noise and from silence. Music and non-stationary noises count as sound.
 */
import { resolve } from '../../options/resolve.ts';
import type { OptionsOf, OptionTable, ResolvedOptions } from '../../options/spec.ts';
import { FRAMES_PER_SECOND } from '../constants.ts';
import type { Activity } from './activity.ts';

/** dB from the geometric to the arithmetic mean of a spectrum that is not flat; white noise has 1.4, at most 2.5. */
const MIN_PEAKEDNESS = 3;
/** The threshold for continuing a span, as a share of that for beginning one. */
const HOLD_SHARE = 0.6;

const RECORDINGS = ['transcribe', 'transcribeAll'] as const;

export const SPEECH_OPTIONS = {
  /** The mean over the bands. */
  threshold: {
    kind: 'number',
    unit: 'dB',
    min: 0,
    default: 4,
    where: RECORDINGS,
    group: 'batch',
    help: 'How far speech must stand out of the noise around it. Steady noise reaches 2.5.',
  },
  minSpeech: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    default: 0.1,
    where: RECORDINGS,
    group: 'batch',
    help: 'Shorter sounds are no speech.',
  },
  minSilence: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    default: 1,
    where: RECORDINGS,
    group: 'batch',
    help: 'Shorter pauses are left in.',
  },
  padding: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    default: 0.3,
    where: RECORDINGS,
    group: 'batch',
    help: 'What is kept before and after speech.',
  },
} as const satisfies OptionTable;

export type SpeechOptions = OptionsOf<typeof SPEECH_OPTIONS, 'transcribe'>;
export type ResolvedSpeechOptions = ResolvedOptions<typeof SPEECH_OPTIONS, 'transcribe'>;

/** Speech from `start` up to `end`, in frames of 10 ms. */
export interface SpeechSpan {
  readonly start: number;
  readonly end: number;
}

/** Spans of speech, in ascending order, none adjacent to the next. */
export function speechSpans(activity: Activity, options: SpeechOptions = {}): SpeechSpan[] {
  const { nFrames } = activity;
  const frames = (seconds: number): number => Math.round(seconds * FRAMES_PER_SECOND);
  const resolved = resolve(SPEECH_OPTIONS, 'transcribe', options);
  const [minSpeech, minSilence] = [frames(resolved.minSpeech), frames(resolved.minSilence)];
  const padding = frames(resolved.padding);
  const spans: { start: number; end: number }[] = [];
  for (const { start, end } of sounds(activity, resolved.threshold)) {
    if (end - start < minSpeech) continue;
    const last = spans.at(-1);
    if (last && start - last.end < Math.max(minSilence, 1)) last.end = end;
    else spans.push({ start, end });
  }
  const padded: { start: number; end: number }[] = [];
  for (const span of spans) {
    const start = Math.max(0, span.start - padding);
    const end = Math.min(nFrames, span.end + padding);
    const last = padded.at(-1);
    if (last && start <= last.end) last.end = end;
    else padded.push({ start, end });
  }
  return padded;
}

/** Whether a voice may begin in a frame. */
export function isVoiced({ excess, peakedness }: Activity, frame: number): boolean {
  return excess[frame]! >= SPEECH_OPTIONS.threshold.default && peakedness[frame]! >= MIN_PEAKEDNESS;
}

/** Whether there is sound in a frame, speech or not; pauses are frames without. */
export function isSounding({ excess }: Activity, frame: number): boolean {
  return excess[frame]! >= SPEECH_OPTIONS.threshold.default * HOLD_SHARE;
}

/** Runs of frames above the thresholds, of any length. */
function sounds({ nFrames, excess, peakedness }: Activity, threshold: number): SpeechSpan[] {
  const begins = (t: number): boolean => excess[t]! >= threshold && peakedness[t]! >= MIN_PEAKEDNESS;
  const holds = (t: number): boolean => excess[t]! >= threshold * HOLD_SHARE;
  const found: SpeechSpan[] = [];
  for (let t = 0; t < nFrames; t++) {
    if (!begins(t)) continue;
    // A span also includes what leads up to the first frame above the threshold: soft consonants.
    let start = t;
    const before = found.at(-1)?.end ?? 0;
    while (start > before && holds(start - 1)) start--;
    let end = t + 1;
    while (end < nFrames && holds(end)) end++;
    found.push({ start, end });
    t = end;
  }
  return found;
}
