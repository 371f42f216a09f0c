/**
 * Cuts the tokens of a window into segments at pairs of timestamps, and says where the next window begins.
 *
 * @see openai/whisper, whisper/transcribe.py: new_segment and the slicing in transcribe()
 */
import type { DecodingResult } from '../../decode/task.ts';
import { type Tokenizer, timePrecision } from '../../text/tokenizer.ts';

/** Frames of 10 ms that one timestamp tick stands for. */
export const FRAMES_PER_TICK = 2;
export const FRAMES_PER_SECOND = 100;

/** One word with its time. */
export interface Word {
  /** With its leading space and the punctuation that belongs to it. */
  readonly word: string;
  /** Seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** Mean probability of its tokens. */
  readonly probability: number;
}

/** What was said between two timestamps. Temperature and the three scores behind it are those of the whole window. */
export interface Segment {
  /** Runs on from 0 over the recording. */
  readonly id: number;
  /** First frame (10 ms) of the window it was decoded from. */
  readonly seek: number;
  /** Seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** As the tokenizer gives it: usually with a leading space. */
  readonly text: string;
  /** With timestamp tokens. */
  readonly tokens: readonly number[];
  /** log-probability of each token, after the rules and before the temperature. */
  readonly tokenLogprobs: readonly number[];
  /** Code of the language its window is in; present if it was detected window by window. */
  readonly language?: string;
  readonly temperature: number;
  readonly avgLogprob: number;
  readonly compressionRatio: number;
  readonly noSpeechProb: number;
  /** Present if word times were asked for, and (empty) in a segment that was emptied. */
  readonly words?: readonly Word[];
}

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
  const timeOffset = seconds(seek);
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
  const duration = last >= 0 && ticks(last) > 0 ? ticks(last) * timePrecision : seconds(size);
  return { segments: [segment(timeOffset, timeOffset + duration, 0, n)], advance: size, endsWhole, unfinished: false };
}

/** Frames to seconds, as openai/whisper computes it. */
export function seconds(frames: number): number {
  return (frames * 160) / 16000;
}
