/**
 * Where in a recording somebody speaks, by energy and spectral flatness alone: no weights, the same answer everywhere.
 *
 * A frame is speech when its bands stand out of the noise around it, and its spectrum is not flat: noise is as strong
 * in every band, a voice is not. What the noise is, each band tells by itself: its level in the quietest tenth of the
 * seconds around a frame (minimum statistics, R. Martin 2001, with a quantile in place of the minimum, since the whole
 * recording is there to look at). Two thresholds keep a span in one piece once it has begun; short sounds are dropped,
 * short pauses closed, and a margin is left on both sides.
 *
 * It tells sound from stationary noise and from silence. Music and other people's noises are sound to it.
 */
import { FRAMES_PER_SECOND, N_FRAMES } from '../constants.ts';
import type { LogMel } from './logMel.ts';

/** Neighbouring mel bands are added up to this many: steadier, and a quarter of the memory. */
const nBands = 20;
/** The part of the mel bands in which flatness is told, about 200 to 4500 Hz: where every voice is. */
const voiceBands = [5 / 80, 55 / 80] as const;
/** The share of time in which a band is taken to hold noise alone. */
const noiseQuantile = 0.1;
/** Seconds on either side of a second that its noise is taken from. */
const noiseReach = 8;
/** What is this far under the loud parts of the recording is silence, in dB, however silent the rest is. */
const range = 45;
/** dB above the noise at which a band counts fully: one loud band is no voice. */
const bandCap = 25;
/** A spectrum whose mean is not this far above its geometric mean is flat, in dB; white noise has 1.4, at most 2.5. */
const minPeakedness = 3;
/** What a span needs to go on, as a share of what it needs to begin. */
const holdShare = 0.6;
/** Levels in histograms: 1 dB each from here on. */
const lowest = -140;
const nLevels = 200;

/** dB above the noise. */
const defaultThreshold = 4;
/** Seconds of margin on both sides of speech. */
export const defaultPadding = 0.3;

export interface SpeechOptions {
  /** dB by which the bands must stand out of the noise on average; default 4. Stationary noise has up to 2.5. */
  readonly threshold?: number | undefined;
  /** Seconds; shorter sounds are no speech. Default 0.1. */
  readonly minSpeech?: number | undefined;
  /** Seconds; shorter pauses are part of the speech. Default 1. */
  readonly minSilence?: number | undefined;
  /** Seconds of margin on both sides of speech; default 0.3. */
  readonly padding?: number | undefined;
}

/** Speech from `start` up to `end`, in frames of 10 ms. */
export interface SpeechSpan {
  readonly start: number;
  readonly end: number;
}

/** What the detector knows of each frame. */
export interface Activity {
  readonly nFrames: number;
  /** dB above the noise, the mean over the bands; [nFrames]. */
  readonly excess: Float32Array;
  /** dB of the spectrum's mean above its geometric mean; [nFrames]. */
  readonly peakedness: Float32Array;
}

/** Looks at every frame of a recording. It returns to the event loop between parts of 30 s. */
export async function measureActivity(
  mel: Pick<LogMel, 'nFrames' | 'window'>,
  signal?: AbortSignal,
): Promise<Activity> {
  const { nFrames } = mel;
  const levels = new Float32Array(nFrames * nBands); // [nFrames, nBands]
  const loudness = new Float32Array(nFrames);
  const peakedness = new Float32Array(nFrames);
  for (let seek = 0; seek < nFrames; seek += N_FRAMES) {
    if (seek > 0) await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    const size = Math.min(N_FRAMES, nFrames - seek);
    const window = mel.window(seek, size); // [nMels, N_FRAMES]
    const nMels = window.length / N_FRAMES;
    const voiceFrom = Math.round(voiceBands[0] * nMels);
    const voiceTo = Math.round(voiceBands[1] * nMels);
    for (let i = 0; i < size; i++) {
      let whole = 0;
      let sum = 0;
      let logSum = 0;
      for (let band = 0; band < nBands; band++) {
        const from = Math.round((band * nMels) / nBands);
        const to = Math.round(((band + 1) * nMels) / nBands);
        let power = 0;
        for (let m = from; m < to; m++) {
          // Windows hold (log10 + 4) / 4.
          const log = window[m * N_FRAMES + i]! * 4 - 4;
          const value = Math.exp(log * Math.LN10);
          power += value;
          if (m < voiceFrom || m >= voiceTo) continue;
          sum += value;
          logSum += log;
        }
        whole += power;
        levels[(seek + i) * nBands + band] = 10 * Math.log10(power / (to - from));
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
  for (let band = 0; band < nBands; band++) {
    const level = smooth(levels, band, nFrames);
    const noise = noiseOf(level);
    for (let frame = 0; frame < nFrames; frame++) {
      const floor = Math.max(noise[Math.floor(frame / FRAMES_PER_SECOND)]!, loud - range);
      excess[frame]! += Math.min(bandCap, Math.max(0, level[frame]! - floor)) / nBands;
    }
  }
  return excess;
}

/** One band over time, each frame with its two neighbours on both sides. */
function smooth(levels: Float32Array, band: number, nFrames: number): Float32Array {
  const at = (frame: number): number => levels[Math.min(nFrames - 1, Math.max(0, frame)) * nBands + band]!;
  const out = new Float32Array(nFrames);
  for (let t = 0; t < nFrames; t++) out[t] = (at(t - 2) + 2 * at(t - 1) + 3 * at(t) + 2 * at(t + 1) + at(t + 2)) / 9;
  return out;
}

/** The noise of a band in each second: a low quantile of its levels in the seconds around. */
function noiseOf(level: Float32Array): Float32Array {
  const nSeconds = Math.ceil(level.length / FRAMES_PER_SECOND);
  const bin = (frame: number): number => Math.min(nLevels - 1, Math.max(0, Math.floor(level[frame]! - lowest)));
  const histogram = new Uint32Array(nLevels);
  let total = 0;
  const count = (second: number, by: 1 | -1): void => {
    if (second < 0 || second >= nSeconds) return;
    const end = Math.min(level.length, (second + 1) * FRAMES_PER_SECOND);
    for (let frame = second * FRAMES_PER_SECOND; frame < end; frame++) histogram[bin(frame)]! += by;
    total += by * (end - second * FRAMES_PER_SECOND);
  };
  for (let second = 0; second < noiseReach; second++) count(second, 1);
  return Float32Array.from({ length: nSeconds }, (_, second) => {
    count(second + noiseReach, 1);
    count(second - noiseReach - 1, -1);
    const wanted = total * noiseQuantile;
    let below = 0;
    let found = 0;
    while (below + histogram[found]! < wanted) below += histogram[found++]!;
    return lowest + found + (wanted - below) / histogram[found]!;
  });
}

/** Speech by what is known of each frame; spans in their order, none touching the next. */
export function speechSpans(activity: Activity, options: SpeechOptions = {}): SpeechSpan[] {
  const { nFrames } = activity;
  const frames = (seconds: number): number => Math.round(seconds * FRAMES_PER_SECOND);
  const [minSpeech, minSilence] = [frames(options.minSpeech ?? 0.1), frames(options.minSilence ?? 1)];
  const padding = frames(options.padding ?? defaultPadding);
  const spans: { start: number; end: number }[] = [];
  for (const { start, end } of sounds(activity, options.threshold ?? defaultThreshold)) {
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

/** Is there sound in a frame, speech or not? Pauses are where there is none. */
export function isSounding({ excess }: Activity, frame: number): boolean {
  return excess[frame]! >= defaultThreshold * holdShare;
}

/** Runs of frames that stand out, without regard to how long they are. */
function sounds({ nFrames, excess, peakedness }: Activity, threshold: number): SpeechSpan[] {
  const begins = (t: number): boolean => excess[t]! >= threshold && peakedness[t]! >= minPeakedness;
  const holds = (t: number): boolean => excess[t]! >= threshold * holdShare;
  const found: SpeechSpan[] = [];
  for (let t = 0; t < nFrames; t++) {
    if (!begins(t)) continue;
    // A span also takes in what leads up to its first clear frame: soft consonants.
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
