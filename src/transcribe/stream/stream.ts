/**
 * Transcribes sound while it comes. The sound from the last cut on is decoded again whenever there is enough more of it;
 * words that two decodes in a row agree on are given out and never taken back. When the window of 30 s is full, and at the
 * end, its segments are final and the next window begins where `transcribe` would begin it: what comes out is the text of
 * `transcribe`, but for words that were given out early and heard otherwise later.
 *
 * Two things differ from `transcribe`, because the rest of the recording is not known: the floor of the log-mel hangs on
 * the loudest moment so far, and the language is detected on what has come until it is sure.
 */
import { OptionsError } from '../../base/errors.ts';
import { languageCode } from '../../text/languages.ts';
import { type PromptHistory, promptHistory } from '../window/prompt.ts';
import { FRAMES_PER_SECOND, type Segment, seconds, type Word } from '../window/segments.ts';
import { type Transcriber, WINDOW_FRAMES } from '../window/window.ts';
import { LocalAgreement } from './localAgreement.ts';
import { SampleFeed, type SampleSource } from './sampleFeed.ts';
import {
  checkStreamOptions,
  type ResolvedStreamOptions,
  resolveStreamOptions,
  type StreamOptions,
} from './streamOptions.ts';
import { StreamSegments, textOf } from './streamSegments.ts';
import { type HeardSegment, type HeardWindow, WindowListener } from './streamWindow.ts';

export type { SampleSource } from './sampleFeed.ts';
export type { StreamOptions } from './streamOptions.ts';

/** What one decode brought. */
export interface StreamUpdate {
  /** Text that is stable from now on. Those of all updates, one behind the other, are the transcript. May be empty. */
  readonly stable: string;
  /** Its words, with their times. */
  readonly words: readonly Word[];
  /** What is heard behind all stable text, and may still change. */
  readonly partial: string;
  /** Segments that are complete: their words have been given out, with this update or before it. */
  readonly segments: readonly Segment[];
  /** Seconds of sound that were heard for it. */
  readonly heard: number;
}

export interface StreamSummary {
  /** Code of the language; undefined if no sound came, and it was to be detected. */
  readonly language: string | undefined;
  /** Seconds of sound. */
  readonly duration: number;
}

export interface StreamModel extends Transcriber {
  /** Runs what needs the model for itself; between two decodes others may use it. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}

/** The log-mel of sound that is still coming, as `audio/runningLogMel.ts` makes it. */
export interface RunningMel {
  /** Whole frames of 10 ms so far. */
  readonly nFrames: number;
  push(samples: Float32Array): void;
  end(): void;
  /** Frames seek .. seek + size - 1 and 0.0 behind them; [nMels, 3000]. */
  window(seek: number, size: number): Float32Array;
  /** Lets go of the frames before this one. */
  forget(frame: number): void;
}

const SAMPLES_PER_FRAME = 160;
/** Sound that is read ahead while the model is at work: as much as a window. */
const CAPACITY = WINDOW_FRAMES * SAMPLES_PER_FRAME;
/** Frames behind a full window that are taken in too: its last frame sees their beginning. */
const MARGIN = 2;
/** A language detected with this probability is believed at once ... */
const SURE = 0.8;
/** ... a less probable one when so many frames were heard. */
const SURE_FRAMES = 1000;
/**
 * A word less probable than this waits until so many seconds of sound behind it were heard, and those behind it with it.
 * Chosen on one speech of 328 s (tiny), where 1.1 % of the words were then other than the batch run's, not 2.4 %, and half
 * of them came after 2.1 s, not 1.6. Waiting for every word would take 3 s and more for as much.
 */
const DOUBT = 0.7;
const DOUBT_SECONDS = 4;

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
  const stream = new Stream(model, mel, resolveStreamOptions(options));
  const feed = new SampleFeed(samples, CAPACITY, options.signal);
  try {
    while (await stream.take(feed)) {
      const update = await stream.decode();
      for (const segment of update.segments) options.onSegment?.(segment);
      yield update;
    }
    return { language: stream.language, duration: seconds(mel.nFrames) };
  } finally {
    feed.close();
  }
}

class Stream {
  readonly #model: StreamModel;
  readonly #mel: RunningMel;
  readonly #options: ResolvedStreamOptions;
  readonly #listener: WindowListener;
  readonly #history: PromptHistory;
  readonly #agreement = new LocalAgreement();
  readonly #segments: StreamSegments;
  readonly #minFrames: number;
  readonly #maxFrames: number;
  /** First frame of the window. */
  #seek = 0;
  /** Frames that the last decode had heard. */
  #heard = 0;
  #isEnded = false;
  #language: string | undefined;
  /** Detected by the last decode, and not yet believed. */
  #guess: string | undefined;

  constructor(model: StreamModel, mel: RunningMel, options: ResolvedStreamOptions) {
    const { inference, tokenizer } = model;
    if (!inference.align) throw new OptionsError('wordTimestamps', 'This engine cannot tell the times of words.');
    this.#model = model;
    this.#mel = mel;
    this.#options = options;
    this.#segments = new StreamSegments(tokenizer);
    this.#minFrames = Math.round(options.minChunk * FRAMES_PER_SECOND);
    this.#maxFrames = Math.round(options.maxBuffer * FRAMES_PER_SECOND);
    this.#listener = new WindowListener(model, options);
    this.#history = promptHistory(model, options);
    if (!tokenizer.isMultilingual) this.#believe('en');
    else if (options.language !== undefined) {
      const code = languageCode(options.language);
      tokenizer.languageToken(code);
      this.#believe(code);
    }
  }

  get language(): string | undefined {
    return this.#language;
  }

  /** Takes sound until there is enough for another decode. @returns false when all has been decoded */
  async take(feed: SampleFeed): Promise<boolean> {
    const full = this.#seek + WINDOW_FRAMES;
    const wanted = Math.min(this.#heard + this.#minFrames, full);
    const room = (): number => (full + MARGIN - this.#mel.nFrames) * SAMPLES_PER_FRAME;
    while (!this.#isEnded && this.#mel.nFrames < wanted) this.#push(await feed.take(room()), feed);
    // The sound behind it that has come meanwhile is heard too; it may end with it.
    if (!this.#isEnded) this.#push(feed.takeNow(room()), feed);
    return this.#mel.nFrames > this.#seek;
  }

  async decode(): Promise<StreamUpdate> {
    const size = Math.min(WINDOW_FRAMES, this.#mel.nFrames - this.#seek);
    const place = { seek: this.#seek, size };
    const isLast = this.#isEnded || size === WINDOW_FRAMES;
    this.#heard = this.#seek + size;
    const mel = this.#mel.window(place.seek, size);
    const look = { place, mel, prompt: this.#history.prompt, language: this.#language, isLast };
    const heard = await this.#model.inTurn(() => this.#listener.listen(look));
    return isLast ? this.#finish(heard, size) : this.#grow(heard, size);
  }

  #push(samples: Float32Array, feed: SampleFeed): void {
    this.#mel.push(samples);
    if (!feed.isEnded) return;
    this.#isEnded = true;
    this.#mel.end();
  }

  /** More sound will come: only what two decodes agree on is given out. */
  #grow(heard: HeardWindow, size: number): StreamUpdate {
    const isSettled = this.#isLanguageSettled(heard, size);
    // A text that would be thrown away were this the whole window says nothing about the next one.
    if (heard.isDoubtful) return this.#update([], heard.words.slice(this.#agreement.known(heard.words)), []);
    const { known, stable } = this.#agreement.add(heard.words, isSettled ? this.#nRipe(heard.words) : 0);
    const words = this.#segments.giveOut(heard.words.slice(known, stable));
    const cut = size > this.#maxFrames ? lastStableSegment(heard.segments, stable) : 0;
    const segments = cut > 0 ? this.#cut(heard, cut, heard.segments[cut - 1]!.closedAt!, known, stable) : [];
    return this.#update(words, heard.words.slice(stable), segments);
  }

  /** Words at the front of which none is doubtful and heard just now. */
  #nRipe(words: readonly Word[]): number {
    const end = seconds(this.#heard);
    const unripe = words.findIndex((word) => word.probability < DOUBT && end - word.end < DOUBT_SECONDS);
    return unripe < 0 ? words.length : unripe;
  }

  /** No other decode of this window comes: all but an open end is given out, and the next window begins. */
  #finish(heard: HeardWindow, size: number): StreamUpdate {
    if (this.#language === undefined) this.#believe(heard.language, heard);
    const complete = heard.segments.filter(({ isOpen }) => !isOpen);
    const nWords = complete.reduce((n, segment) => n + segment.words.length, 0);
    const { known, stable } = this.#agreement.settle(heard.words, nWords);
    const words = this.#segments.giveOut(heard.words.slice(known, stable));
    const advance = heard.advance > 0 ? heard.advance : size;
    const segments = this.#cut(heard, complete.length, advance, known, stable);
    return this.#update(words, heard.words.slice(stable), segments);
  }

  #update(words: readonly Word[], unstable: readonly Word[], segments: readonly Segment[]): StreamUpdate {
    return { stable: textOf(words), words, partial: textOf(unstable), segments, heard: seconds(this.#heard) };
  }

  /**
   * Ends the window behind its first `count` segments, `advance` frames on.
   *
   * @param known, stable words of the window that had been given out before it, and with it
   */
  #cut(heard: HeardWindow, count: number, advance: number, known: number, stable: number): Segment[] {
    const complete = heard.segments.slice(0, count);
    const nWords = complete.reduce((n, { words }) => n + words.length, 0);
    // Words behind the cut that are stable already are decoded again.
    const kept = Math.max(0, stable - nWords);
    this.#agreement.cut(kept);
    const tokens = complete.flatMap((segment) => segment.tokens);
    if (count > 0) this.#history.add(tokens, heard.scores.temperature);
    this.#history.forget();
    const nNew = Math.max(0, Math.min(stable, nWords) - known);
    const segments = this.#segments.complete(heard, count, this.#seek, kept, nNew);
    this.#seek += advance;
    this.#mel.forget(this.#seek);
    return segments;
  }

  #isLanguageSettled({ language, detection }: HeardWindow, size: number): boolean {
    if (this.#language !== undefined) return true;
    const isAgain = this.#guess === language;
    this.#guess = language;
    const probability = detection?.probabilities[language] ?? 0;
    if (!isAgain || (probability < SURE && size < SURE_FRAMES)) return false;
    this.#believe(language, { detection });
    return true;
  }

  #believe(language: string, heard: Pick<HeardWindow, 'detection'> = {}): void {
    this.#language = language;
    this.#options.onLanguage?.(language, heard.detection);
  }
}

/** How many segments from the first on are closed, and stable with all their words. */
function lastStableSegment(segments: readonly HeardSegment[], stable: number): number {
  let nWords = 0;
  let count = 0;
  for (const [i, { words, closedAt }] of segments.entries()) {
    nWords += words.length;
    if (nWords > stable || closedAt === undefined) break;
    if (closedAt > 0) count = i + 1;
  }
  return count;
}
