/**
 * One recording in a batch: its pieces as chains of windows, each going on until the piece's end as a recording does, and
 * what is finished of them in order, joined where pieces overlap.
 */

import { N_FRAMES } from '../../audio/constants.ts';
import type { Progress } from '../../base/progress.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { type Recording, summaryOf } from '../recording/recording.ts';
import { framesToSeconds } from '../time.ts';
import type { Segment, TranscriptSummary } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import type { FinishedWindow, WindowDecoder, WindowRequest } from '../window/window.ts';
import { hasSpeech, type Piece, piecesOf } from './chunks.ts';
import { findJoin, type SpokenWindow, spokenWords, takeWords } from './overlapMerge.ts';

/** Windows of one piece. */
export class Chain {
  readonly recording: Recording;
  readonly piece: Piece;
  /** Its words are needed for a join. */
  readonly isShared: boolean;
  windows: FinishedWindow[] = [];
  isDone = false;
  #seek: number;
  #lastSpeech: number;

  constructor(recording: Recording, piece: Piece, isShared: boolean) {
    this.recording = recording;
    this.piece = piece;
    this.isShared = isShared;
    this.#seek = piece.start;
    this.#lastSpeech = framesToSeconds(piece.start);
  }

  request(prompt: readonly number[]): WindowRequest {
    const { mel, language } = this.recording;
    const size = Math.min(N_FRAMES, this.piece.end - this.#seek);
    const place = { seek: this.#seek, size };
    return { mel, place, prompt, language, lastSpeech: this.#lastSpeech, spoken: this.isShared };
  }

  add(window: FinishedWindow): void {
    this.windows.push(window);
    this.#seek = window.next;
    this.#lastSpeech = window.lastSpeech;
    this.isDone = this.#isOver(window);
  }

  /** Frames that are done of those no other piece has. */
  get framesDone(): number {
    const { start, end, shared } = this.piece;
    return Math.min(this.isDone ? end : this.#seek, end - shared) - start;
  }

  #isOver({ unfinished, next }: FinishedWindow): boolean {
    const { end, shared } = this.piece;
    // The next piece hears that better.
    if (next >= end - shared / 2) return true;
    const { activity } = this.recording;
    // The silence behind the last words is not asked what it says: it would answer.
    return !unfinished && activity !== undefined && !hasSpeech(activity, { start: next, end });
  }
}

/** All pieces of one recording. */
export class Chains {
  readonly all: readonly Chain[];
  readonly #recording: Recording;
  readonly #tokens: number[] = [];
  #nSegments = 0;
  /** Of the segment told last. */
  #end = 0;
  #nTold = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
    const { activity, clips } = recording;
    const pieces = clips.flatMap((clip) => (activity ? piecesOf(clip, activity) : []));
    this.all = pieces.map((piece, i) => {
      const isShared = piece.shared > 0 || (pieces[i - 1]?.shared ?? 0) > 0;
      return new Chain(recording, piece, isShared);
    });
  }

  /** Is it the first piece, of which nothing is decoded yet? */
  isUntouched(chain: Chain): boolean {
    return chain === this.all[0] && chain.windows.length === 0;
  }

  get isTold(): boolean {
    return this.#nTold === this.all.length;
  }

  progress(name?: string): Progress {
    const total = this.#recording.duration;
    const frames = this.all.reduce((n, { piece }) => n + piece.end - piece.start - piece.shared, 0);
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

  /** Segments that nothing before them is missing of any more, each told once. */
  *ready(decoder: WindowDecoder, tokenizer: Tokenizer): Generator<Segment> {
    for (let chain = this.all[this.#nTold]; chain?.isDone; chain = this.all[this.#nTold]) {
      const following = this.all[this.#nTold + 1];
      if (chain.piece.shared > 0 && following) {
        if (!following.isDone) return;
        join(chain, following, decoder, tokenizer);
      }
      this.#nTold++;
      // Two alignments can disagree about where the one word ends and the other begins.
      const earliest = chain.isShared ? this.#end : 0;
      for (const found of chain.windows.flatMap(({ segments = [] }) => segments)) {
        const segment = notBefore(found, earliest);
        this.#end = segment.end;
        for (const token of segment.tokens) this.#tokens.push(token);
        yield { id: this.#nSegments++, ...(this.#recording.timeline?.sourceSegment(segment) ?? segment) };
      }
    }
  }

  summary(tokenizer: Tokenizer): TranscriptSummary {
    return summaryOf(this.#recording, tokenizer.decode(this.#tokens));
  }
}

/** Takes out of two pieces what both heard, so that each word is in one of them. */
function join(before: Chain, after: Chain, decoder: WindowDecoder, tokenizer: Tokenizer): void {
  const { keep, drop } = findJoin(spokenWords(spokenOf(before)), spokenWords(spokenOf(after)), {
    start: framesToSeconds(after.piece.start),
    end: framesToSeconds(before.piece.end),
  });
  trim(before, 0, keep, decoder, tokenizer);
  trim(after, drop, Number.POSITIVE_INFINITY, decoder, tokenizer);
}

function spokenOf({ windows }: Chain): SpokenWindow[] {
  return windows.flatMap(({ spoken }) => spoken ?? []);
}

/** Leaves of a chain its words `from` up to `to`. */
function trim(chain: Chain, from: number, to: number, decoder: WindowDecoder, tokenizer: Tokenizer): void {
  let first = 0;
  chain.windows = chain.windows.map((window) => {
    const { spoken } = window;
    if (!spoken) return window;
    const begin = first;
    first += spoken.aligned.length;
    const taken = takeWords(spoken, Math.max(0, from - begin), Math.max(0, to - begin), tokenizer);
    return taken === spoken ? window : decoder.retold(window, taken);
  });
}

function notBefore(segment: WindowSegment, time: number): WindowSegment {
  if (segment.start >= time) return segment;
  const late = (t: number): number => Math.max(t, time);
  return {
    ...segment,
    start: late(segment.start),
    end: late(segment.end),
    ...(segment.words && {
      words: segment.words.map((word) => ({ ...word, start: late(word.start), end: late(word.end) })),
    }),
  };
}
