/**
 * Cuts a recording into chunks that fit a window, so that they can be decoded together: in pauses, between words. Where
 * somebody speaks for half a minute without a pause, two chunks overlap, and their texts are merged (`overlapMerge.ts`).
 *
 * Of all ways to cut, the cheapest is taken: a window costs 1, a cut the more the shorter its pause.
 */
import { N_FRAMES } from '../../audio/constants.ts';
import type { Clip } from '../recording/clips.ts';
import type { SpeechMap } from '../recording/speech.ts';

export interface Chunk extends Clip {
  /** Frames at its end that the next chunk contains too; 0 after a cut in a pause. */
  readonly overlap: number;
}

/** Frames two chunks share where there is no pause: several words, of which those at the ends may be cut. */
const OVERLAP_FRAMES = 400;
/** Windows that one overlap, or a cut in a pause of one frame, may cost: one in 0.2 s costs 0.15. */
const OVERLAP_COST = 0.3;
const PAUSE_COST = 3;
/** Chunks shorter than this are taken only where no overlap is cheaper. */
const SHORT_FRAMES = 2000;

/** Where a chunk may begin. */
interface Start {
  readonly frame: number;
  /** Of what is before it. */
  cost: number;
  /** Of the cut there. */
  readonly pauseCost: number;
  /** Where the chunk before it begins. */
  before?: Start;
  /** Frames that it shares with that one. */
  readonly overlap: number;
}

/** Is a later start of the same half minute as cheap? Then no way through the earlier one is cheaper. */
function isBeaten(starts: readonly Start[], i: number): boolean {
  const { frame, cost } = starts[i]!;
  for (let next = i + 1; next < starts.length && starts[next]!.frame <= frame + N_FRAMES; next++)
    if (starts[next]!.frame > frame && starts[next]!.cost <= cost) return true;
  return false;
}

/** @returns chunks of at most 30 s that cover the clip, in order */
export function chunksOf(clip: Clip, speech: SpeechMap): Chunk[] {
  if (clip.start >= clip.end) return [];
  const starts: Start[] = [{ frame: clip.start, cost: 0, pauseCost: 0, overlap: 0 }];
  for (const { middle, length } of speech.pauses(clip))
    starts.push({ frame: middle, cost: Number.POSITIVE_INFINITY, pauseCost: PAUSE_COST / length, overlap: 0 });
  let last: Start | undefined;
  // Only later starts are reached from one, and inserted.
  for (let i = 0; i < starts.length; i++) {
    const from = starts[i]!;
    if (from.cost === Number.POSITIVE_INFINITY || isBeaten(starts, i)) continue;
    if (clip.end - from.frame <= N_FRAMES) {
      if (!last || from.cost < last.cost) last = from;
      continue;
    }
    let next = i + 1;
    for (; next < starts.length && starts[next]!.frame <= from.frame + N_FRAMES; next++) {
      const to = starts[next]!;
      const cost = from.cost + 1 + to.pauseCost;
      if (to.overlap > 0 || cost >= to.cost) continue;
      to.cost = cost;
      to.before = from;
    }
    if (starts[next - 1]!.frame >= from.frame + SHORT_FRAMES) continue;
    const cost = from.cost + 1 + OVERLAP_COST;
    const frame = from.frame + N_FRAMES - OVERLAP_FRAMES;
    starts.splice(next, 0, { frame, cost, pauseCost: 0, before: from, overlap: OVERLAP_FRAMES });
  }
  const chunks: Chunk[] = [];
  let end = clip.end;
  let overlap = 0;
  for (let start = last; start; start = start.before) {
    chunks.push({ start: start.frame, end, overlap });
    end = start.frame + start.overlap;
    overlap = start.overlap;
  }
  return chunks.reverse();
}
