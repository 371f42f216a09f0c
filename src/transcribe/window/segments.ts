/**
 * Cuts the tokens of a window into segments at pairs of timestamps, and finds where the next window begins.
 *
 * @see openai/whisper, whisper/transcribe.py: new_segment and the slicing in transcribe()
 */
import { strip } from '../../base/python.ts';
import type { DecodingResult } from '../../decode/task.ts';
import { TIME_PRECISION, type Tokenizer } from '../../text/tokenizer.ts';
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
  /** Frames from the start of this window to that of the next one. */
  readonly advance: number;
  /** The window ends in a single timestamp: nothing is cut off at its end. */
  readonly singleTimestampEnding: boolean;
  /** There is text after the last pair of timestamps, in no segment: it is to be decoded again. */
  readonly isUnfinished: boolean;
}

export function cutSegments(result: DecodingResult, { seek, size }: WindowPlace, tokenizer: Tokenizer): CutWindow {
  const { tokens } = result;
  const begin = tokenizer.timestampBegin;
  // Token i as a tick; negative if it is not a timestamp.
  const tick = (i: number): number => tokens[i]! - begin;
  const isTimestamp = (i: number): boolean => tick(i) >= 0;
  const timeOffset = framesToSeconds(seek);
  const n = tokens.length;

  const singleTimestampEnding = n >= 2 && !isTimestamp(n - 2) && isTimestamp(n - 1);
  const segment = (start: number, end: number, tokenRange: readonly [number, number]): WindowSegment => {
    const own = tokens.slice(...tokenRange);
    return {
      seek,
      start: timeOffset + start,
      end: timeOffset + end,
      text: tokenizer.decode(own.filter((token) => token < tokenizer.eot)),
      tokens: own,
      tokenLogprobs: result.tokenLogprobs.slice(...tokenRange),
      temperature: result.temperature,
      avgLogprob: result.avgLogprob,
      compressionRatio: result.compressionRatio,
      noSpeechProb: result.noSpeechProb,
    };
  };

  const cuts: number[] = [];
  for (let i = 1; i < n; i++) if (isTimestamp(i - 1) && isTimestamp(i)) cuts.push(i);
  const lastCut = cuts.at(-1);
  if (lastCut === undefined) {
    const last = tokens.findLastIndex((token) => token >= begin);
    const duration = last >= 0 && tick(last) > 0 ? tick(last) * TIME_PRECISION : framesToSeconds(size);
    return { segments: [segment(0, duration, [0, n])], advance: size, singleTimestampEnding, isUnfinished: false };
  }

  if (singleTimestampEnding) cuts.push(n);
  let first = 0;
  const segments = cuts.map((end) => {
    // Without timestamp rules a window may begin with text; openai/whisper takes its id for a time.
    const start = isTimestamp(first) ? tick(first) : 0;
    const own = segment(start * TIME_PRECISION, tick(end - 1) * TIME_PRECISION, [first, end]);
    first = end;
    return own;
  });
  if (singleTimestampEnding) return { segments, advance: size, singleTimestampEnding, isUnfinished: false };
  // The next window decodes again what follows the last pair.
  const isUnfinished = tokens.slice(lastCut).some((token) => token < tokenizer.eot);
  return { segments, advance: tick(lastCut - 1) * FRAMES_PER_TICK, singleTimestampEnding, isUnfinished };
}

/** A segment without duration or text is kept, but emptied. */
export function clearIfBlank(segment: WindowSegment): WindowSegment {
  if (segment.start !== segment.end && strip(segment.text) !== '') return segment;
  return { ...segment, text: '', tokens: [], tokenLogprobs: [], words: [] };
}
