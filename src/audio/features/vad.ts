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
import { yieldToEventLoop } from '../../base/yieldToEventLoop.ts';
import { resolve } from '../../options/resolve.ts';
import type { OptionsOf, OptionTable, ResolvedOptions } from '../../options/spec.ts';
import { FRAMES_PER_SECOND, N_FRAMES } from '../constants.ts';
import type { LogMel } from './logMel.ts';

/** Neighbouring mel bands are added up to this many: less variance, and a quarter of the memory. */
const N_BANDS = 20;
/** The part of the mel bands in which flatness is measured, about 200 to 4500 Hz: the range of all voices. */
const VOICE_BANDS = [5 / 80, 55 / 80] as const;
/** The share of time in which a band is assumed to hold noise alone. */
const NOISE_QUANTILE = 0.1;
/** Seconds before and after a second from which its noise is estimated. */
const NOISE_REACH = 8;
/** dB below the loud parts of the recording under which everything is silence, however low the noise is. */
const LOUDNESS_RANGE = 45;
/** dB above the noise that a band counts at most: one loud band alone is not a voice. */
const MAX_BAND_EXCESS = 25;
/** dB from the geometric to the arithmetic mean of a spectrum that is not flat; white noise has 1.4, at most 2.5. */
const MIN_PEAKEDNESS = 3;
/** The threshold for continuing a span, as a share of that for beginning one. */
const HOLD_SHARE = 0.6;
/** Histograms of levels have bins of 1 dB from here on. */
const MIN_LEVEL = -140;
const N_LEVELS = 200;

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

/** What the detector measures of each frame. */
export interface Activity {
  readonly nFrames: number;
  /** dB above the noise, the mean over the bands; [nFrames]. */
  readonly excess: Float32Array;
  /** dB of the spectrum's mean above its geometric mean; [nFrames]. */
  readonly peakedness: Float32Array;
}

/** Measures every frame of a recording, and returns to the event loop after every 30 s of it. */
export async function measureActivity(
  mel: Pick<LogMel, 'nFrames' | 'window'>,
  signal?: AbortSignal,
): Promise<Activity> {
  const { nFrames } = mel;
  const levels = new Float32Array(nFrames * N_BANDS); // [nFrames, N_BANDS]
  const loudness = new Float32Array(nFrames);
  const peakedness = new Float32Array(nFrames);
  for (let seek = 0; seek < nFrames; seek += N_FRAMES) {
    if (seek > 0) await yieldToEventLoop();
    signal?.throwIfAborted();
    const size = Math.min(N_FRAMES, nFrames - seek);
    const window = mel.window(seek, size); // [nMels, N_FRAMES]
    const nMels = window.length / N_FRAMES;
    const voiceFrom = Math.round(VOICE_BANDS[0] * nMels);
    const voiceTo = Math.round(VOICE_BANDS[1] * nMels);
    for (let i = 0; i < size; i++) {
      let whole = 0;
      let sum = 0;
      let logSum = 0;
      for (let band = 0; band < N_BANDS; band++) {
        const from = Math.round((band * nMels) / N_BANDS);
        const to = Math.round(((band + 1) * nMels) / N_BANDS);
        let power = 0;
        for (let m = from; m < to; m++) {
          // Windows contain (log10 + 4) / 4.
          const log = window[m * N_FRAMES + i]! * 4 - 4;
          const value = Math.exp(log * Math.LN10);
          power += value;
          if (m < voiceFrom || m >= voiceTo) continue;
          sum += value;
          logSum += log;
        }
        whole += power;
        levels[(seek + i) * N_BANDS + band] = 10 * Math.log10(power / (to - from));
      }
      const n = voiceTo - voiceFrom;
      loudness[seek + i] = 10 * Math.log10(whole / nMels);
      peakedness[seek + i] = 10 * Math.log10(sum / n) - (10 * logSum) / n;
    }
  }
  return { nFrames, excess: excessOf(levels, loudness), peakedness };
}

/** How far each frame's bands are above their noise, on average. */
function excessOf(levels: Float32Array, loudness: Float32Array): Float32Array {
  const nFrames = loudness.length;
  const excess = new Float32Array(nFrames);
  if (nFrames === 0) return excess;
  const loud = Float32Array.from(loudness).sort()[Math.floor(0.95 * (nFrames - 1))]!;
  for (let band = 0; band < N_BANDS; band++) {
    const level = smooth(levels, band, nFrames);
    const noise = noiseOf(level);
    for (let frame = 0; frame < nFrames; frame++) {
      const floor = Math.max(noise[Math.floor(frame / FRAMES_PER_SECOND)]!, loud - LOUDNESS_RANGE);
      excess[frame]! += Math.min(MAX_BAND_EXCESS, Math.max(0, level[frame]! - floor)) / N_BANDS;
    }
  }
  return excess;
}

/** One band over time, averaged over five frames with weights 1 2 3 2 1. */
function smooth(levels: Float32Array, band: number, nFrames: number): Float32Array {
  const at = (frame: number): number => levels[Math.min(nFrames - 1, Math.max(0, frame)) * N_BANDS + band]!;
  const out = new Float32Array(nFrames);
  for (let t = 0; t < nFrames; t++) out[t] = (at(t - 2) + 2 * at(t - 1) + 3 * at(t) + 2 * at(t + 1) + at(t + 2)) / 9;
  return out;
}

/** The noise of a band in each second: a low quantile of its levels in the seconds around it. */
function noiseOf(level: Float32Array): Float32Array {
  const nSeconds = Math.ceil(level.length / FRAMES_PER_SECOND);
  const bin = (frame: number): number => Math.min(N_LEVELS - 1, Math.max(0, Math.floor(level[frame]! - MIN_LEVEL)));
  const histogram = new Uint32Array(N_LEVELS);
  let total = 0;
  const count = (second: number, by: 1 | -1): void => {
    if (second < 0 || second >= nSeconds) return;
    const end = Math.min(level.length, (second + 1) * FRAMES_PER_SECOND);
    for (let frame = second * FRAMES_PER_SECOND; frame < end; frame++) histogram[bin(frame)]! += by;
    total += by * (end - second * FRAMES_PER_SECOND);
  };
  for (let second = 0; second < NOISE_REACH; second++) count(second, 1);
  return Float32Array.from({ length: nSeconds }, (_, second) => {
    count(second + NOISE_REACH, 1);
    count(second - NOISE_REACH - 1, -1);
    const wanted = total * NOISE_QUANTILE;
    let below = 0;
    let found = 0;
    while (below + histogram[found]! < wanted) below += histogram[found++]!;
    return MIN_LEVEL + found + (wanted - below) / histogram[found]!;
  });
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
