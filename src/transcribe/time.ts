/**
 * The units of time of this room and their conversion: frames of the spectrogram, ticks of timestamp tokens (an encoder
 * position lasts as long), seconds.
 */
import { FRAMES_PER_SECOND, HOP_LENGTH, N_FRAMES, SAMPLE_RATE } from '../audio/constants.ts';
import { TIME_PRECISION } from '../text/tokenizer.ts';

/** Frames of one tick: 2. */
export const FRAMES_PER_TICK = TIME_PRECISION * FRAMES_PER_SECOND;
/** 50. */
export const TICKS_PER_SECOND = FRAMES_PER_SECOND / FRAMES_PER_TICK;
/** The last timestamp of a window: 1500, which is 30 s. */
export const LAST_TICK = N_FRAMES / FRAMES_PER_TICK;

/** Frames to seconds, in openai/whisper's order of operations: another one would give other doubles. */
export function framesToSeconds(frames: number): number {
  return (frames * HOP_LENGTH) / SAMPLE_RATE;
}
