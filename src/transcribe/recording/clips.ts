/**
 * The parts of a recording to transcribe.
 *
 * @see openai/whisper, whisper/transcribe.py: seek_points, seek_clips
 */
import { FRAMES_PER_SECOND } from '../../audio/constants.ts';
import { OptionsError } from '../../base/errors.ts';
import { roundHalfEven } from '../../base/python.ts';

/** Frames from `start` up to `end`. */
export interface Clip {
  readonly start: number;
  readonly end: number;
}

/**
 * @param given   seconds `start, end, start, end ...`, as a list or with commas between them; the last end may be left out.
 *   Empty: all of it. They are taken in the order given.
 * @param nFrames frames of the recording; ends beyond it are moved to it (openai/whisper would not terminate there)
 * @throws {OptionsError} `clipTimestamps` for what is not a time
 */
export function clipsOf(given: string | readonly number[], nFrames: number): Clip[] {
  const times = typeof given === 'string' ? parseTimes(given) : given;
  const points = times.map((time) => {
    if (!(typeof time === 'number' && time >= 0 && time < Number.POSITIVE_INFINITY)) {
      throw new OptionsError('clipTimestamps', `clipTimestamps has ${String(time)}, which is not a time in seconds.`);
    }
    return Math.min(roundHalfEven(time * FRAMES_PER_SECOND), nFrames);
  });
  if (points.length === 0) points.push(0);
  return Array.from({ length: Math.ceil(points.length / 2) }, (_, i) => ({
    start: points[2 * i]!,
    end: points[2 * i + 1] ?? nFrames,
  }));
}

function parseTimes(text: string): number[] {
  if (text === '') return [];
  return text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
}
