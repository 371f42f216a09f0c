/** One look at the sound of a stream: all words of a window with their times, the unfinished ones at its end included. */

import { strip } from '../../base/python.ts';
import { FallbackDecoder, isSilence, needsFallback } from '../../decode/fallback.ts';
import type { AudioFeatures } from '../../decode/inference.ts';
import { detectLanguage, type LanguageDetection } from '../../decode/languageDetect.ts';
import type { DecodingResult } from '../../decode/task.ts';
import { timePrecision } from '../../text/tokenizer.ts';
import {
  cutSegments,
  FRAMES_PER_TICK,
  type Segment,
  seconds,
  type WindowPlace,
  type WindowSegment,
  type Word,
} from '../window/segments.ts';
import type { Transcriber } from '../window/window.ts';
import { alignWords } from '../words/alignment.ts';
import { addWords } from '../words/wordTiming.ts';
import type { ResolvedStreamOptions } from './streamOptions.ts';

export interface HeardWindow {
  /** Of all segments, in order. */
  readonly words: readonly Word[];
  /** Those with text. */
  readonly segments: readonly HeardSegment[];
  /** Frames from this window's start to the next one's, were this the last look at it. */
  readonly advance: number;
  /** Of all its text together. */
  readonly scores: Pick<Segment, 'temperature' | 'avgLogprob' | 'compressionRatio' | 'noSpeechProb'>;
  readonly language: string;
  /** Present if the language was detected here. */
  readonly detection?: LanguageDetection | undefined;
  /** The scores say that there is no good text in it. */
  readonly isDoubtful: boolean;
}

export interface HeardSegment extends WindowSegment {
  readonly words: readonly Word[];
  /** Frames from the start of the window to where it ends by its timestamp, if another one was begun behind it. */
  readonly closedAt: number | undefined;
  /** Cut off by the end of the window, which ends with it: the next window begins before it. */
  readonly isOpen: boolean;
}

export interface Look {
  readonly place: WindowPlace;
  /** Log-mel of the window; [nMels, 3000]. */
  readonly mel: Float32Array;
  readonly prompt: readonly number[];
  /** Undefined: detect it. */
  readonly language: string | undefined;
  /** Nothing is decoded again from this place: higher temperatures are tried if need be. */
  readonly isLast: boolean;
}

export class WindowListener {
  readonly #model: Transcriber;
  readonly #options: ResolvedStreamOptions;
  readonly #quick: FallbackDecoder;
  readonly #thorough: FallbackDecoder;
  #lastSpeech = 0;

  /** @throws {OptionsError} for decoding options that make no sense */
  constructor(model: Transcriber, options: ResolvedStreamOptions) {
    this.#model = model;
    this.#options = options;
    const decoder = (temperatures: readonly number[]): FallbackDecoder =>
      new FallbackDecoder(model.inference, model.tokenizer, options, temperatures);
    this.#quick = decoder(options.temperature.slice(0, 1));
    this.#thorough = decoder(options.temperature);
  }

  async listen(look: Look): Promise<HeardWindow> {
    const { signal } = this.#options;
    const { inference, tokenizer } = this.#model;
    const audio = await inference.encode(look.mel, signal);
    try {
      const detection =
        look.language === undefined ? await detectLanguage(inference, tokenizer, audio, signal) : undefined;
      const language = look.language ?? detection?.language ?? 'en';
      const decoder = look.isLast ? this.#thorough : this.#quick;
      const input = { audio, prompt: look.prompt, language, stream: look.place.seek };
      const [result] = await decoder.run([input], signal);
      const { temperature, avgLogprob, compressionRatio, noSpeechProb } = result!;
      const scores = { temperature, avgLogprob, compressionRatio, noSpeechProb };
      const heard = { scores, language, detection };
      if (isSilence(result!, this.#options))
        return { ...heard, words: [], segments: [], advance: look.place.size, isDoubtful: true };
      const { segments, advance } = this.#segments(result!, look.place);
      const timed = await this.#withWords(audio, look.place, segments, language);
      if (look.isLast) this.#lastSpeech = timed.findLast(({ words }) => words.length > 0)?.end ?? this.#lastSpeech;
      const words = timed.flatMap((segment) => segment.words);
      return { ...heard, words, segments: timed, advance, isDoubtful: needsFallback(result!, this.#options) };
    } finally {
      audio.close();
    }
  }

  /** The segments `transcribe` would cut, without the blank ones, and what stands behind the last timestamp. */
  #segments(result: DecodingResult, place: WindowPlace) {
    const { tokenizer } = this.#model;
    const { segments, advance } = cutSegments(result, place, tokenizer);
    const ticks = (token: number): number => token - tokenizer.timestampBegin;
    const nTokens = segments.reduce((n, { tokens }) => n + tokens.length, 0);
    const tail = result.tokens.slice(nTokens);
    // Without a tail the last one ends where the sound does: it may go on when there is more.
    const nClosed = segments.length - (tail.length > 0 ? 0 : 1);
    const closed = segments.map((segment, i) => {
      const closedAt = i < nClosed ? ticks(segment.tokens.at(-1)!) * FRAMES_PER_TICK : undefined;
      return { ...segment, isOpen: false, closedAt };
    });
    const kept = closed.filter(({ start, end, text }) => start !== end && strip(text) !== '');
    const text = tail.filter((token) => token < tokenizer.eot);
    if (text.length === 0) return { segments: kept, advance };
    const open = {
      ...segments.at(-1)!,
      start: seconds(place.seek) + Math.max(0, ticks(tail[0]!)) * timePrecision,
      end: seconds(place.seek + place.size),
      text: tokenizer.decode(text),
      tokens: tail,
      tokenLogprobs: result.tokenLogprobs.slice(nTokens),
      isOpen: true,
      closedAt: undefined,
    };
    return { segments: [...kept, open], advance };
  }

  async #withWords(
    audio: AudioFeatures,
    place: WindowPlace,
    segments: readonly (WindowSegment & Pick<HeardSegment, 'closedAt' | 'isOpen'>)[],
    language: string,
  ): Promise<HeardSegment[]> {
    const { inference, tokenizer } = this.#model;
    const { signal, task, prependPunctuations, appendPunctuations } = this.#options;
    const textTokens = segments.flatMap(({ tokens }) => tokens.filter((token) => token < tokenizer.eot));
    const input = { audio, textTokens, language, task, nFrames: place.size };
    const timed = addWords({
      segments,
      aligned: await alignWords(inference, tokenizer, input, signal),
      eot: tokenizer.eot,
      prependPunctuations,
      appendPunctuations,
      lastSpeech: this.#lastSpeech,
    });
    return timed.map((segment, i) => {
      const { closedAt, isOpen } = segments[i]!;
      return { ...segment, words: segment.words ?? [], closedAt, isOpen };
    });
  }
}
