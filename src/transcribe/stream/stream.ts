/**
 * Transcribes sound while it arrives. The window is decoded again whenever there is enough more sound in it; words that two
 * decodes in a row agree on are committed, and never revised. When the window of 30 s is full, and at the end, its segments
 * are final and the next window begins where that of `transcribe` would: the text is that of `transcribe`, except for words
 * that were committed early and decoded differently later.
 *
 * Two things differ from `transcribe`, because the rest of the recording is not known: the floor of the log-mel depends on
 * the loudest moment so far, and the language is detected on the sound so far until the detection is reliable.
 */
import { FRAMES_PER_SECOND, N_SAMPLES } from '../../audio/constants.ts';
import { yieldToEventLoop } from '../../base/yieldToEventLoop.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import type { Segment, Word } from '../transcript.ts';
import { type PromptHistory, promptHistory } from '../window/prompt.ts';
import { requireAlignment } from '../words/requireAlignment.ts';
import { type Commit, Committer } from './committer.ts';
import { SampleFeed, type SampleSource } from './sampleFeed.ts';
import { type DecodedSegment, type DecodedSnapshot, SnapshotDecoder } from './snapshotDecoder.ts';
import { StreamLanguage } from './streamLanguage.ts';
import {
  checkStreamOptions,
  type ResolvedStreamOptions,
  resolveStreamOptions,
  type StreamOptions,
} from './streamOptions.ts';
import { textOf } from './streamSegments.ts';
import { type RunningMel, StreamWindow } from './streamWindow.ts';

/** The result of one decode. */
export interface StreamUpdate {
  /** Text that is stable from now on; may be empty. Those of all updates joined are the transcript. */
  readonly stable: string;
  /** Its words, with their times. */
  readonly words: readonly Word[];
  /** The text after all stable text, which may still change. */
  readonly partial: string;
  /** Segments that are complete: their words were stable with this update or before it. */
  readonly segments: readonly Segment[];
  /** Seconds of sound decoded so far. */
  readonly heard: number;
}

export interface StreamSummary {
  /** Code of the language; undefined if it was to be detected, and there was no sound. */
  readonly language: string | undefined;
  /** Seconds of sound. */
  readonly duration: number;
}

export interface StreamModel extends SpeechModel {
  /** Runs work that needs the model to itself; other calls may use it between two decodes. */
  runExclusive<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Updates, one for each decode, until the sound ends.
 *
 * @throws {OptionsError}, {AudioError} `nonFinite`, {NumericError} `nonFinite`; what the source throws; the signal's reason
 */
export async function* transcribeStream(
  model: StreamModel,
  mel: RunningMel,
  samples: SampleSource,
  options: StreamOptions = {},
): AsyncGenerator<StreamUpdate, StreamSummary, undefined> {
  checkStreamOptions(options);
  options.signal?.throwIfAborted();
  requireAlignment(model.inference);
  const stream = new Stream(model, mel, resolveStreamOptions(options));
  // As much as a window is read ahead while the model is busy.
  const feed = new SampleFeed(samples, N_SAMPLES, options.signal);
  try {
    // Of a short recording that is there already the end is then known at the first decode: it is decoded once.
    await yieldToEventLoop();
    while (await stream.fill(feed)) {
      const update = await stream.decode();
      for (const segment of update.segments) options.onSegment?.(segment);
      yield update;
    }
    return { language: stream.language, duration: framesToSeconds(mel.nFrames) };
  } finally {
    feed.close();
  }
}

class Stream {
  readonly #model: StreamModel;
  readonly #window: StreamWindow;
  readonly #decoder: SnapshotDecoder;
  readonly #history: PromptHistory;
  readonly #committer: Committer;
  readonly #language: StreamLanguage;
  readonly #maxFrames: number;

  constructor(model: StreamModel, mel: RunningMel, options: ResolvedStreamOptions) {
    this.#model = model;
    this.#window = new StreamWindow(mel, options.minChunk);
    this.#maxFrames = Math.round(options.maxBuffer * FRAMES_PER_SECOND);
    this.#decoder = new SnapshotDecoder(model, options);
    this.#history = promptHistory(model, options);
    this.#committer = new Committer(model.tokenizer);
    this.#language = new StreamLanguage(model.tokenizer, options);
  }

  get language(): string | undefined {
    return this.#language.code;
  }

  /** Waits for enough sound for another decode. @returns false when all has been decoded */
  fill(feed: SampleFeed): Promise<boolean> {
    return this.#window.fill(feed);
  }

  async decode(): Promise<StreamUpdate> {
    const snapshot = this.#window.snapshot();
    const context = { prompt: this.#history.prompt, language: this.#language.code };
    const decoded = await this.#model.runExclusive(() => this.#decoder.decode(snapshot, context));
    return snapshot.isLast ? this.#finalize(decoded, snapshot.place.size) : this.#grow(decoded, snapshot.place.size);
  }

  /** The window will have more sound: commits only what two decodes agree on. */
  #grow(decoded: DecodedSnapshot, size: number): StreamUpdate {
    this.#language.observe(decoded, size);
    // A text that would be rejected if this were the whole window says nothing about the next one.
    if (decoded.isRejected) return this.#update(this.#committer.ignore(decoded), []);
    const commit =
      this.language === undefined
        ? this.#committer.commitNothing(decoded)
        : this.#committer.commitAgreed(decoded, this.#window.decodedSeconds);
    const closed = size > this.#maxFrames ? closedSegments(decoded.segments, commit.stable) : undefined;
    const segments = closed ? this.#cut(decoded, closed.segments, closed.end, commit) : [];
    return this.#update(commit, segments);
  }

  /** The last decode of this window: commits all but an open end, and begins the next window. */
  #finalize(decoded: DecodedSnapshot, size: number): StreamUpdate {
    this.#language.finalize(decoded);
    const complete = decoded.segments.filter(({ isOpen }) => !isOpen);
    const commit = this.#committer.finalize(decoded, complete);
    const advance = decoded.advance > 0 ? decoded.advance : size;
    return this.#update(commit, this.#cut(decoded, complete, advance, commit));
  }

  #update({ words, unstable }: Commit, segments: readonly Segment[]): StreamUpdate {
    const heard = this.#window.decodedSeconds;
    return { stable: textOf(words), words, partial: textOf(unstable), segments, heard };
  }

  /** Ends the window after its first segments, `advance` frames after its start. */
  #cut(decoded: DecodedSnapshot, complete: readonly DecodedSegment[], advance: number, commit: Commit): Segment[] {
    if (complete.length > 0) {
      this.#history.add(
        complete.flatMap(({ tokens }) => tokens),
        decoded.scores.temperature,
      );
    }
    this.#history.forget();
    const segments = this.#committer.complete(decoded, complete, this.#window.seek, commit);
    this.#window.advance(advance);
    return segments;
  }
}

/** The first segments, as far as each is closed and all of its words are committed; undefined if there is none. */
function closedSegments(
  segments: readonly DecodedSegment[],
  nCommitted: number,
): { readonly segments: readonly DecodedSegment[]; readonly end: number } | undefined {
  let nWords = 0;
  let closed: ReturnType<typeof closedSegments>;
  for (const [i, { words, closedAt }] of segments.entries()) {
    nWords += words.length;
    if (nWords > nCommitted || closedAt === undefined) break;
    if (closedAt > 0) closed = { segments: segments.slice(0, i + 1), end: closedAt };
  }
  return closed;
}
