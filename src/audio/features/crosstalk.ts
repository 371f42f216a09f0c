/**
 * Whose voice is heard in a channel, where each channel of a recording is for one person. The other's voice gets into it too:
 * softer, by the way of cables, an echo, or a room that both are in. How much softer is measured, since it differs from -10 to
 * -60 dB: while the other one speaks, the channel is never softer than what gets over, and mostly no louder. So a low quantile
 * of the difference of levels is the crosstalk, or the noise where there is none. A frame that is not clearly above what
 * gets over belongs to the other one.
 *
 * @see whisper.cpp, examples/cli: estimate_diarization_speaker, which gives a segment to the channel with 1.1 times the energy
 */
import { FRAMES_PER_SECOND } from '../constants.ts';
import type { Activity, MeasuredActivity } from './activity.ts';
import { isSounding, isVoiced } from './vad.ts';

/** The share of the frames in which the other one speaks that is assumed to hold nothing else. */
const QUANTILE = 0.1;
/** dB: where more gets over, the louder channel has the voice. */
const MOST_CROSSTALK = -6;
/** dB above what gets over from which a sound is the channel's own. */
const MARGIN = 6;
/** dB above the noise, the mean over the bands: softer sounds are not understood. */
const AUDIBLE = 1;
/** Frames for which what gets over lasts on: the tail of a room, an echo. */
const TAIL = 0.2 * FRAMES_PER_SECOND;
/** Frames by which it may be early: levels are those of windows of 25 ms. */
const HEAD = 2;
/** Fewer frames than these tell nothing of a voice. */
const LEAST_VOICE = 0.2 * FRAMES_PER_SECOND;
/** dB: levels of two channels that never differ by more are those of one sound. */
const SAME_LEVEL = 3;
/** dB: how much the difference of such levels may vary. */
const SAME_SPREAD = 1.5;

export interface OwnActivity extends Activity {
  /** 1 where another channel is heard in this one, and nothing else; [nFrames]. */
  readonly crosstalk: Uint8Array;
}

/** @param channels of one recording, equally long @returns of each what is its own; other frames are silent in it */
export function ownActivity(channels: readonly MeasuredActivity[]): OwnActivity[] {
  return channels.map((channel, c) => {
    const excess = channel.excess.slice();
    const peakedness = channel.peakedness.slice();
    const crosstalk = new Uint8Array(channel.nFrames);
    for (const [o, other] of channels.entries()) {
      if (o === c) continue;
      const gain = crosstalkGain(channel, other);
      if (gain === undefined) continue;
      const levels = heldLevels(other);
      const threshold = Math.min(gain, MOST_CROSSTALK) + MARGIN;
      for (let t = 0; t < channel.nFrames; t++) {
        if (channel.loudness[t]! >= levels[t]! + threshold) continue;
        excess[t] = 0;
        peakedness[t] = 0;
        if (channel.excess[t]! >= AUDIBLE) crosstalk[t] = 1;
      }
    }
    return { nFrames: channel.nFrames, excess, peakedness, crosstalk };
  });
}

/** Whether two channels hold one sound, at one level: a recording of one channel that was saved as two. */
export function isOneSound(a: MeasuredActivity, b: MeasuredActivity): boolean {
  const differences: number[] = [];
  for (let t = 0; t < a.nFrames; t++) {
    if (isVoiced(a, t) || isVoiced(b, t)) differences.push(a.loudness[t]! - b.loudness[t]!);
  }
  if (differences.length < LEAST_VOICE) return false;
  const [low, middle, high] = quantiles(differences, [0.1, 0.5, 0.9]);
  return Math.abs(middle!) < SAME_LEVEL && high! - low! < SAME_SPREAD;
}

/** dB from the other's voice to what is heard meanwhile; undefined if the other has none. */
function crosstalkGain(channel: MeasuredActivity, other: MeasuredActivity): number | undefined {
  const differences: number[] = [];
  for (let t = 0; t < other.nFrames; t++) {
    if (isVoiced(other, t)) differences.push(channel.loudness[t]! - other.loudness[t]!);
  }
  return differences.length < LEAST_VOICE ? undefined : quantiles(differences, [QUANTILE])[0];
}

/** Levels of what sounds, with its tail, -Infinity without; [nFrames]. */
function heldLevels(activity: MeasuredActivity): Float32Array {
  const { nFrames, loudness } = activity;
  const held = new Float32Array(nFrames).fill(Number.NEGATIVE_INFINITY);
  for (let t = 0; t < nFrames; t++) {
    if (!isSounding(activity, t)) continue;
    const end = Math.min(nFrames, t + TAIL + 1);
    for (let i = Math.max(0, t - HEAD); i < end; i++) held[i] = Math.max(held[i]!, loudness[t]!);
  }
  return held;
}

function quantiles(values: readonly number[], shares: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => sorted[Math.floor(share * (sorted.length - 1))]!);
}
