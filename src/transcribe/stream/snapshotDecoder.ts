/** Decodes a snapshot of a stream's window: all words with their times, the unfinished ones at its end included. */
import { strip } from '../../base/python.ts';
import { FallbackDecoder, isSilence, needsFallback } from '../../decode/fallback.ts';
import { detectLanguage, type LanguageDetection } from '../../decode/languageDetect.ts';
import type { DecodingResult } from '../../decode/task.ts';
import { TIME_PRECISION } from '../../text/tokenizer.ts';
import type { SpeechModel } from '../speechModel.ts';
import { FRAMES_PER_TICK, framesToSeconds } from '../time.ts';
import type { Segment, Word } from '../transcript.ts';
import { cutSegments, type WindowPlace, type WindowSegment } from '../window/segments.ts';
import { alignWindow, segmentsWithWords } from '../words/alignedWindow.ts';
import type { WithWords } from '../words/wordTimestamps.ts';
import type { ResolvedStreamOptions } from './streamOptions.ts';
import type { Snapshot } from './streamWindow.ts';

export interface DecodedSnapshot {
  /** Of all segments, in order. */
  readonly words: readonly Word[];
  /** Those with text. */
  readonly segments: readonly DecodedSegment[];
  /** Frames from this window's start to the next one's, if this decode is the window's last. */
  readonly advance: number;
  /** Of all its text together. */
  readonly scores: Pick<Segment, 'temperature' | 'avgLogprob' | 'compressionRatio' | 'noSpeechProb'>;
  readonly language: string;
  /** Present if the language was detected here. */
  readonly detection?: LanguageDetection | undefined;
  /** The scores are too bad to use its text; `transcribe` would decode it again, or skip it as silence. */
  readonly isRejected: boolean;
}

export type DecodedSegment = WithWords<CutSegment>;

interface CutSegment extends WindowSegment {
  /** Frames from the start of the window to its last timestamp, if another segment begins after that. */
  readonly closedAt: number | undefined;
  /** Cut off by the end of the window: the next window begins before it. */
  readonly isOpen: boolean;
}

export interface SnapshotContext {
  /** Tokens of the text before the window. */
  readonly prompt: readonly number[];
  /** Undefined: detect it. */
  readonly language: string | undefined;
}

export class SnapshotDecoder {
  readonly #model: SpeechModel;
  readonly #options: ResolvedStreamOptions;
  /** At the first temperature only. */
  readonly #quick: FallbackDecoder;
  /** At higher temperatures too, if need be. */
  readonly #thorough: FallbackDecoder;
  /** End of the last speech before the window, in seconds. */
  #lastSpeech = 0;

  /** @throws {OptionsError} for decoding options that contradict each other */
  constructor(model: SpeechModel, options: ResolvedStreamOptions) {
    this.#model = model;
    this.#options = options;
    const decoder = (temperatures: readonly number[]): FallbackDecoder =>
      new FallbackDecoder(model.inference, model.tokenizer, options, temperatures);
    this.#quick = decoder(options.temperature.slice(0, 1));
    this.#thorough = decoder(options.temperature);
  }

  async decode({ place, mel, isLast }: Snapshot, context: SnapshotContext): Promise<DecodedSnapshot> {
    const { signal } = this.#options;
    const { inference, tokenizer } = this.#model;
    const audio = await inference.encode(mel, signal);
    try {
      const detection =
        context.language === undefined ? await detectLanguage(inference, tokenizer, audio, signal) : undefined;
      const language = context.language ?? detection?.language ?? 'en';
      const decoder = isLast ? this.#thorough : this.#quick;
      const input = { audio, prompt: context.prompt, language, stream: place.seek };
      const [result] = await decoder.run([input], signal);
      const { temperature, avgLogprob, compressionRatio, noSpeechProb } = result;
      const scores = { temperature, avgLogprob, compressionRatio, noSpeechProb };
      const found = { scores, language, detection };
      if (isSilence(result, this.#options))
        return { ...found, words: [], segments: [], advance: place.size, isRejected: true };
      const { segments, advance } = this.#cut(result, place);
      const window = { audio, language, place, segments, lastSpeech: this.#lastSpeech };
      const aligned = await alignWindow(this.#model, window, this.#options);
      const timed = segmentsWithWords(this.#model, aligned, this.#options);
      if (isLast) this.#lastSpeech = timed.findLast(({ words }) => words.length > 0)?.end ?? this.#lastSpeech;
      const words = timed.flatMap((segment) => segment.words);
      return { ...found, words, segments: timed, advance, isRejected: needsFallback(result, this.#options) };
    } finally {
      audio.close();
    }
  }

  /** The segments `transcribe` would cut, without the blank ones, and the text after the last timestamp as an open one. */
  #cut(result: DecodingResult, place: WindowPlace): { segments: CutSegment[]; advance: number } {
    const { tokenizer } = this.#model;
    const { segments, advance } = cutSegments(result, place, tokenizer);
    const tick = (token: number): number => token - tokenizer.timestampBegin;
    const nTokens = segments.reduce((n, { tokens }) => n + tokens.length, 0);
    const tail = result.tokens.slice(nTokens);
    // Without a tail the last one ends where the sound does: it may go on when there is more.
    const nClosed = segments.length - (tail.length > 0 ? 0 : 1);
    const cut = segments.map((segment, i): CutSegment => {
      const last = i < nClosed ? segment.tokens.at(-1) : undefined;
      return { ...segment, isOpen: false, closedAt: last === undefined ? undefined : tick(last) * FRAMES_PER_TICK };
    });
    const kept = cut.filter(({ start, end, text }) => start !== end && strip(text) !== '');
    const text = tail.filter((token) => token < tokenizer.eot);
    const [first] = tail;
    const last = cut.at(-1);
    if (text.length === 0 || first === undefined || !last) return { segments: kept, advance };
    const open: CutSegment = {
      ...last,
      start: framesToSeconds(place.seek) + Math.max(0, tick(first)) * TIME_PRECISION,
      end: framesToSeconds(place.seek + place.size),
      text: tokenizer.decode(text),
      tokens: tail,
      tokenLogprobs: result.tokenLogprobs.slice(nTokens),
      isOpen: true,
      closedAt: undefined,
    };
    return { segments: [...kept, open], advance };
  }
}
