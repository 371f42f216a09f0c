/**
 * Removes hallucinated text: segments of unlikely, too short or too long words with silence around them.
 *
 * @see openai/whisper, whisper/transcribe.py: hallucination_silence_threshold
 */
import { CHUNK_LENGTH, FRAMES_PER_SECOND } from '../../audio/constants.ts';
import { roundHalfEven } from '../../base/python.ts';
import { framesToSeconds } from '../time.ts';
import type { Word } from '../transcript.ts';
import { defaultAppendPunctuations, defaultPrependPunctuations } from '../words/punctuations.ts';
import type { WindowPlace, WindowSegment } from './segments.ts';

const PUNCTUATION = defaultPrependPunctuations + defaultAppendPunctuations;

export interface HallucinationInput {
  /** Seconds of silence that make the text next to it suspect. */
  readonly threshold: number;
  readonly place: WindowPlace;
  readonly segments: readonly WindowSegment[];
  /** Where the next window would begin. */
  readonly next: number;
  readonly singleTimestampEnding: boolean;
  readonly lastSpeech: number;
  /** Frames of the recording. */
  readonly nFrames: number;
}

export interface FilteredWindow {
  readonly segments: readonly WindowSegment[];
  readonly next: number;
  /** The window begins with a long silence: it is treated as not decoded, and decoded again from `next`. */
  readonly isDiscarded: boolean;
}

export function filterHallucinations(input: HallucinationInput): FilteredWindow {
  const { threshold, place, segments, nFrames } = input;
  const offset = framesToSeconds(place.seek);
  const windowEnd = offset + CHUNK_LENGTH;
  let next = input.next;

  if (!input.singleTimestampEnding) {
    const end = speechEnd(segments);
    if (end !== undefined && end > offset) {
      next = windowEnd - end > threshold ? roundHalfEven(end * FRAMES_PER_SECOND) : place.seek + place.size;
    }
  }

  const first = segments.find(hasWords);
  if (first && isAnomalous(first)) {
    const gap = first.start - offset;
    if (gap > threshold) {
      return { segments: [], next: place.seek + roundHalfEven(gap * FRAMES_PER_SECOND), isDiscarded: true };
    }
  }

  let lastSpeech = input.lastSpeech;
  for (const [i, segment] of segments.entries()) {
    if (!hasWords(segment)) continue;
    if (isAnomalous(segment)) {
      const following = segments.slice(i + 1).find(hasWords);
      const followingStart = following?.words?.[0]?.start ?? offset + framesToSeconds(place.size);
      const silenceBefore =
        segment.start - lastSpeech > threshold || segment.start < threshold || segment.start - offset < 2;
      const silenceAfter =
        followingStart - segment.end > threshold ||
        (following !== undefined && isAnomalous(following)) ||
        windowEnd - segment.end < 2;
      if (silenceBefore && silenceAfter) {
        next = roundHalfEven(Math.max(offset + 1, segment.start) * FRAMES_PER_SECOND);
        if (framesToSeconds(nFrames) - segment.end < threshold) next = nFrames;
        return { segments: segments.slice(0, i), next, isDiscarded: false };
      }
    }
    lastSpeech = segment.end;
  }
  return { segments, next, isDiscarded: false };
}

/** End of the last word; without words, end of the last segment. */
export function speechEnd(segments: readonly WindowSegment[]): number | undefined {
  return segments.findLast(hasWords)?.words?.at(-1)?.end ?? segments.at(-1)?.end;
}

function hasWords({ words }: WindowSegment): boolean {
  return words !== undefined && words.length > 0;
}

function isAnomalous({ words = [] }: WindowSegment): boolean {
  if (words.length === 0) return false;
  const spoken = words.filter(({ word }) => !PUNCTUATION.includes(word)).slice(0, 8);
  const score = spoken.reduce((sum, word) => sum + anomalyScore(word), 0);
  return score >= 3 || score + 0.01 >= spoken.length;
}

function anomalyScore({ probability, start, end }: Word): number {
  const duration = end - start;
  let score = 0;
  if (probability < 0.15) score += 1;
  if (duration < 0.133) score += (0.133 - duration) * 15;
  if (duration > 2) score += duration - 2;
  return score;
}
