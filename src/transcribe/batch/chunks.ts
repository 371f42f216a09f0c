/**
 * Cuts a recording into chunks that fit a window, so that they can be decoded together: in pauses, between words. Where
 * somebody speaks for half a minute without a pause, two chunks overlap, and their texts are merged (`overlapMerge.ts`).
 */
import { N_FRAMES } from '../../audio/constants.ts';
import type { Clip } from '../recording/clips.ts';
import type { SpeechMap } from '../recording/speech.ts';

export interface Chunk extends Clip {
  /** Frames at its end that the next chunk contains too; 0 after a cut in a pause. */
  readonly overlap: number;
}

/** Frames at the end of a window where a pause is looked for first, so that windows are well filled. */
const PREFERRED_CUT = 1000;
/** Frames two chunks share where there is no pause: several words, of which those at the ends may be cut. */
const OVERLAP_FRAMES = 400;

/** @returns chunks of at most 30 s that cover the clip, in order */
export function chunksOf(clip: Clip, speech: SpeechMap): Chunk[] {
  const chunks: Chunk[] = [];
  let start = clip.start;
  while (clip.end - start > N_FRAMES) {
    const end = start + N_FRAMES;
    const pause =
      speech.pauseIn({ start: end - PREFERRED_CUT, end }) ??
      speech.pauseIn({ start: start + PREFERRED_CUT, end: end - PREFERRED_CUT });
    if (pause === undefined) {
      chunks.push({ start, end, overlap: OVERLAP_FRAMES });
      start = end - OVERLAP_FRAMES;
    } else {
      chunks.push({ start, end: pause, overlap: 0 });
      start = pause;
    }
  }
  if (start < clip.end) chunks.push({ start, end: clip.end, overlap: 0 });
  return chunks;
}
