/**
 * Cuts the tokens of a window into segments at pairs of timestamps, and says where the next window begins.
 *
 * @see openai/whisper, whisper/transcribe.py: new_segment and the slicing in transcribe()
 */
import type { DecodingResult } from '../../decode/task.ts';
import { type Tokenizer, timePrecision } from '../../text/tokenizer.ts';
import { FRAMES_PER_TICK, framesToSeconds } from '../time.ts';
import type { Segment } from '../transcript.ts';

/** A segment before it has its id. */
export type WindowSegment = Omit<Segment, 'id'>;

export interface WindowPlace {
  /** First frame of the window. */
  readonly seek: number;
  /** Frames of sound in it, at most 3000. */
  readonly size: number;
}

export interface CutWindow {
  readonly segments: WindowSegment[];
  /** Frames from this window's start to the next one's. */
  readonly advance: number;
  /** The window ends in a single timestamp: nothing was cut off at its end. */
  readonly endsWhole: boolean;
  /** There is text behind the last pair of timestamps, in no segment: it is to be decoded again. */
  readonly unfinished: boolean;
}

export function cutSegments(result: DecodingResult, { seek, size }: WindowPlace, tokenizer: Tokenizer): CutWindow {
  const { tokens } = result;
  const begin = tokenizer.timestampBegin;
  const isTimestamp = (i: number): boolean => tokens[i] !== undefined && tokens[i]! >= begin;
  const ticks = (i: number): number => tokens[i]! - begin;
  const timeOffset = framesToSeconds(seek);
  const n = tokens.length;

  const endsWhole = n >= 2 && !isTimestamp(n - 2) && isTimestamp(n - 1);
  const segment = (start: number, end: number, first: number, behind: number): WindowSegment => ({
    seek,
    start,
    end,
    text: tokenizer.decode(tokens.slice(first, behind).filter((token) => token < tokenizer.eot)),
    tokens: tokens.slice(first, behind),
    tokenLogprobs: result.tokenLogprobs.slice(first, behind),
    temperature: result.temperature,
    avgLogprob: result.avgLogprob,
    compressionRatio: result.compressionRatio,
    noSpeechProb: result.noSpeechProb,
  });

  const cuts: number[] = [];
  for (let i = 1; i < n; i++) if (isTimestamp(i - 1) && isTimestamp(i)) cuts.push(i);
  if (cuts.length > 0) {
    const lastCut = cuts.at(-1)!;
    if (endsWhole) cuts.push(n);
    const segments = cuts.map((end, k) => {
      const first = k === 0 ? 0 : cuts[k - 1]!;
      // Without timestamp rules a window may begin with text; openai/whisper takes its id for a time.
      const start = isTimestamp(first) ? ticks(first) : 0;
      return segment(timeOffset + start * timePrecision, timeOffset + ticks(end - 1) * timePrecision, first, end);
    });
    // What follows the last pair is decoded again in the next window.
    const unfinished = !endsWhole && tokens.slice(lastCut).some((token) => token < tokenizer.eot);
    return { segments, advance: endsWhole ? size : ticks(lastCut - 1) * FRAMES_PER_TICK, endsWhole, unfinished };
  }

  const last = tokens.findLastIndex((token) => token >= begin);
  const duration = last >= 0 && ticks(last) > 0 ? ticks(last) * timePrecision : framesToSeconds(size);
  return { segments: [segment(timeOffset, timeOffset + duration, 0, n)], advance: size, endsWhole, unfinished: false };
}
