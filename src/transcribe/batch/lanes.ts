/**
 * The lanes of one recording in a batch: each decodes a chunk window by window, as a recording is, and what is finished
 * comes out in order, merged where chunks overlap.
 */
import { N_FRAMES } from '../../audio/constants.ts';
import { InternalError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { type Recording, summaryOf } from '../recording/recording.ts';
import type { SpeechMap } from '../recording/speech.ts';
import { FRAMES_PER_TICK, framesToSeconds } from '../time.ts';
import type { Segment, TranscriptSummary } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import type { WindowRequest, WindowResult } from '../window/window.ts';
import type { AlignedWindow } from '../words/alignedWindow.ts';
import { ChunkMel } from './chunkMel.ts';
import { type Chunk, chunksOf } from './chunks.ts';
import { findMergePoint, timedWords } from './overlapMerge.ts';
import { takeWords } from './takeWords.ts';
import type { WithWords } from './withWords.ts';

/** The windows of one chunk. */
export class Lane {
  readonly chunk: Chunk;
  /** It overlaps the lane before or after it: its words are needed for a merge. */
  readonly isOverlapped: boolean;
  windows: WindowResult[] = [];
  isDone = false;
  readonly #recording: Recording;
  readonly #speech: SpeechMap;
  readonly #mel: ChunkMel;
  #seek: number;
  #lastSpeech: number;

  constructor(recording: Recording, speech: SpeechMap, chunk: Chunk, isOverlapped: boolean) {
    this.chunk = chunk;
    this.isOverlapped = isOverlapped;
    this.#recording = recording;
    this.#speech = speech;
    this.#mel = new ChunkMel(recording.mel, chunk);
    this.#seek = chunk.start;
    this.#lastSpeech = framesToSeconds(chunk.start);
  }

  /** The next window to decode. */
  request(prompt: readonly number[]): WindowRequest {
    const { language } = this.#recording;
    const place = { seek: this.#seek, size: Math.min(N_FRAMES, this.chunk.end - this.#seek) };
    const lastSpeech = this.#lastSpeech;
    const speechUntil = this.#speechUntil();
    return { mel: this.#mel, place, prompt, language, lastSpeech, keepAligned: this.isOverlapped, speechUntil };
  }

  add(window: WindowResult): void {
    this.windows.push(window);
    this.#seek = window.next;
    this.#lastSpeech = window.lastSpeech;
    this.isDone = this.#isEnd(window);
    if (this.isDone) this.#mel.close();
  }

  /** Decoded frames, without the overlap with the next lane. */
  get framesDone(): number {
    const { start, end, overlap } = this.chunk;
    return Math.min(this.isDone ? end : this.#seek, end - overlap) - start;
  }

  /** A chunk that ends in a pause leaves no words to the next one: ticks of the window up to which some are still to come. */
  #speechUntil(): number | undefined {
    const { end, overlap } = this.chunk;
    const frame = overlap > 0 ? undefined : this.#speech.lastWord({ start: this.#seek, end });
    return frame && Math.floor((frame - this.#seek) / FRAMES_PER_TICK);
  }

  #isEnd({ isUnfinished, next }: WindowResult): boolean {
    const { end, overlap } = this.chunk;
    // What is left is nearer to the end of this chunk than to the start of the next one, which decodes it better.
    if (next >= end - overlap / 2) return true;
    // The silence after the last words is not decoded: it would be hallucinated to be text.
    return !isUnfinished && !this.#speech.hasSpeech({ start: next, end });
  }
}

/** All lanes of one recording. */
export class Lanes {
  readonly all: readonly Lane[];
  readonly #recording: Recording;
  readonly #tokens: number[] = [];
  #nSegments = 0;
  /** End of the last segment emitted, in seconds. */
  #lastEnd = 0;
  #nEmitted = 0;

  constructor(recording: Recording) {
    const { speech, clips } = recording;
    if (!speech) throw new InternalError('a batch needs the speech of its recordings');
    this.#recording = recording;
    const chunks = clips.flatMap((clip) => chunksOf(clip, speech));
    let overlapBefore = 0;
    this.all = chunks.map((chunk) => {
      const isOverlapped = chunk.overlap > 0 || overlapBefore > 0;
      overlapBefore = chunk.overlap;
      return new Lane(recording, speech, chunk, isOverlapped);
    });
  }

  /** Is it the first lane, with nothing decoded yet? */
  isAtStart(lane: Lane): boolean {
    return lane === this.all[0] && lane.windows.length === 0;
  }

  /** All segments have been emitted. */
  get isEmitted(): boolean {
    return this.#nEmitted === this.all.length;
  }

  progress(name?: string): Progress {
    const total = this.#recording.duration;
    const frames = this.all.reduce((n, { chunk }) => n + chunk.end - chunk.start - chunk.overlap, 0);
    const done = this.all.reduce((n, { framesDone }) => n + framesDone, 0);
    const share = frames === 0 ? 1 : done / frames;
    return {
      stage: 'transcribe',
      done: total * share,
      total,
      unit: 'seconds',
      ...(name !== undefined && { item: name }),
    };
  }

  /** Emits the segments before which nothing is missing any more, each once. */
  *emit(withWords: WithWords, tokenizer: Tokenizer): Generator<Segment> {
    for (let lane = this.all[this.#nEmitted]; lane?.isDone; lane = this.all[this.#nEmitted]) {
      const following = this.all[this.#nEmitted + 1];
      if (lane.chunk.overlap > 0 && following) {
        if (!following.isDone) return;
        mergeOverlap(lane, following, withWords, tokenizer);
      }
      this.#nEmitted++;
      // Two alignments can disagree about where one word ends and the next begins.
      const earliest = lane.isOverlapped ? this.#lastEnd : 0;
      for (const found of lane.windows.flatMap(({ segments = [] }) => segments)) {
        const segment = notBefore(found, earliest);
        this.#lastEnd = segment.end;
        for (const token of segment.tokens) this.#tokens.push(token);
        yield { id: this.#nSegments++, ...(this.#recording.timeline?.sourceSegment(segment) ?? segment) };
      }
    }
  }

  /** Stops reading the recording. */
  close(): Promise<void> {
    return this.#recording.mel.close();
  }

  summary(tokenizer: Tokenizer): TranscriptSummary {
    return summaryOf(this.#recording, tokenizer.decode(this.#tokens));
  }
}

/** Cuts two lanes so that each word of their overlap is in one of them. */
function mergeOverlap(before: Lane, after: Lane, withWords: WithWords, tokenizer: Tokenizer): void {
  const { keep, drop } = findMergePoint(timedWords(alignedOf(before)), timedWords(alignedOf(after)), {
    start: framesToSeconds(after.chunk.start),
    end: framesToSeconds(before.chunk.end),
  });
  trim(before, 0, keep, withWords, tokenizer);
  trim(after, drop, Number.POSITIVE_INFINITY, withWords, tokenizer);
}

function alignedOf({ windows }: Lane): AlignedWindow[] {
  return windows.flatMap(({ aligned }) => aligned ?? []);
}

/** Reduces a lane to its words `from` up to `to`. */
function trim(lane: Lane, from: number, to: number, withWords: WithWords, tokenizer: Tokenizer): void {
  let first = 0;
  lane.windows = lane.windows.map((window) => {
    const { aligned } = window;
    if (!aligned) return window;
    const begin = first;
    first += aligned.words.length;
    const taken = takeWords(aligned, Math.max(0, from - begin), Math.max(0, to - begin), tokenizer);
    return taken === aligned ? window : withWords(window, taken);
  });
}

/** Moves a segment's times up to `earliest` where they are before it. */
function notBefore(segment: WindowSegment, earliest: number): WindowSegment {
  if (segment.start >= earliest) return segment;
  const later = <T extends { readonly start: number; readonly end: number }>(times: T): T => ({
    ...times,
    start: Math.max(times.start, earliest),
    end: Math.max(times.end, earliest),
  });
  return { ...later(segment), ...(segment.words && { words: segment.words.map(later) }) };
}
