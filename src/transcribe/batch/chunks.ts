/**
 * Cuts a recording into pieces that fit a window, so that they can be decoded at once: in pauses, where no word is hurt.
 * Where somebody speaks for half a minute without one, two pieces overlap, and what both heard is joined (`joins.ts`).
 */
import { N_FRAMES } from '../../audio/constants.ts';
import { type Activity, isSounding, speechSpans } from '../../audio/features/vad.ts';
import type { Clip } from '../recording/clips.ts';

export interface Piece extends Clip {
  /** Frames that the next piece has too; 0 after a cut in a pause. */
  readonly shared: number;
}

/** Shortest pause that is cut in: longer than the closure of a plosive. */
const MIN_PAUSE = 20;
/** A pause is looked for in this much of the end of a window first, so that windows are well filled. */
const LAST_PART = 1000;
/** A rest of a piece with less sound than this holds no word of its own. */
const MIN_REST = 50;
/** What two pieces share where there is no pause: several words, the ones at its ends may be cut. */
export const SHARED_FRAMES = 400;

/** @returns pieces of at most 30 s that cover the clip, in their order */
export function piecesOf(clip: Clip, activity: Activity): Piece[] {
  const pieces: Piece[] = [];
  let start = clip.start;
  while (clip.end - start > N_FRAMES) {
    const end = start + N_FRAMES;
    const cut = pauseIn(activity, end - LAST_PART, end) ?? pauseIn(activity, start + LAST_PART, end - LAST_PART);
    if (cut === undefined) {
      pieces.push({ start, end, shared: SHARED_FRAMES });
      start = end - SHARED_FRAMES;
    } else {
      pieces.push({ start, end: cut, shared: 0 });
      start = cut;
    }
  }
  if (start < clip.end) pieces.push({ start, end: clip.end, shared: 0 });
  return pieces;
}

/** The middle of the longest pause that is in the frames; the last of several. */
function pauseIn(activity: Activity, start: number, end: number): number | undefined {
  let best = MIN_PAUSE - 1;
  let middle: number | undefined;
  let begin = start;
  for (let frame = start; frame <= end; frame++) {
    if (frame < end && !isSounding(activity, frame)) continue;
    const length = frame - begin;
    if (length > best || (length === best && middle !== undefined)) {
      best = length;
      middle = begin + (length >> 1);
    }
    begin = frame + 1;
  }
  return middle;
}

/** Is anything said in the frames? The end of a word before them is not taken for speech. */
export function hasSpeech({ excess, peakedness }: Activity, { start, end }: Clip): boolean {
  const part = {
    nFrames: Math.max(0, end - start),
    excess: excess.subarray(start, end),
    peakedness: peakedness.subarray(start, end),
  };
  const spoken = speechSpans(part, { padding: 0, minSilence: 0 });
  return spoken.reduce((sum, span) => sum + span.end - span.start, 0) >= MIN_REST;
}
