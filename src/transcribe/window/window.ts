/**
 * One window of a recording: decoded, cut into segments, with word times if asked for, and where the next one begins.
 *
 * @see openai/whisper, whisper/transcribe.py: the body of the loop in transcribe()
 */

import { roundHalfEven, strip } from '../../base/python.ts';
import { FallbackDecoder, isSilence } from '../../decode/fallback.ts';
import type { AudioFeatures, Inference } from '../../decode/inference.ts';
import { detectLanguage } from '../../decode/languageDetect.ts';
import type { DecodingResult, WindowInput } from '../../decode/task.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { firstSegments, type SpokenWindow } from '../batch/overlapMerge.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import { alignWords, spreadWords } from '../words/alignment.ts';
import { addWords } from '../words/wordTiming.ts';
import { dropHallucinations, speechEnd } from './hallucination.ts';
import { cutSegments, FRAMES_PER_SECOND, seconds, type WindowPlace, type WindowSegment } from './segments.ts';

/** What transcription needs of a loaded model. */
export interface Transcriber {
  readonly inference: Inference;
  readonly tokenizer: Tokenizer;
}

/** The log-mel of a recording, as `audio/logMel.ts` makes it. */
export interface MelSource {
  /** Frames of 10 ms. */
  readonly nFrames: number;
  /** Frames seek .. seek + size - 1 and 0.0 behind them; [nMels, 3000]. */
  window(seek: number, size: number): Float32Array;
  /** The first 30 s and silence behind them; [nMels, 3000]. */
  detectionWindow(): Float32Array;
}

/** Frames of a window: 30 s. */
export const WINDOW_FRAMES = 3000;

/** One window to decode. Windows of one call may be of different recordings. */
export interface WindowRequest {
  readonly mel: MelSource;
  readonly place: WindowPlace;
  /** Tokens of what was said before. */
  readonly prompt: readonly number[];
  /** Code; not used with `multilingual`. */
  readonly language: string;
  /** Where speech ended before this window, in seconds. Counts with word times alone. */
  readonly lastSpeech: number;
  /** Its words and their times are needed for a join, whatever the options say. */
  readonly spoken?: boolean;
}

export interface FinishedWindow {
  /** Undefined if nothing is recorded of the window: silence, or to be looked at again from another place. */
  readonly segments?: readonly WindowSegment[];
  readonly temperature: number;
  /** First frame of the next window; always after this one's. */
  readonly next: number;
  /** Text was sampled behind the last pair of timestamps: it is to be decoded again, from `next`. */
  readonly unfinished: boolean;
  readonly language: string;
  /** Where speech has ended now, in seconds; as before unless word times are asked for. */
  readonly lastSpeech: number;
  /** What the segments were made of, if the request wanted it. */
  readonly spoken?: SpokenWindow;
}

export class WindowDecoder {
  readonly #model: Transcriber;
  readonly #options: ResolvedTranscribeOptions;
  readonly #decoder: FallbackDecoder;

  /** @throws {OptionsError} for decoding options that make no sense */
  constructor(model: Transcriber, options: ResolvedTranscribeOptions) {
    this.#model = model;
    this.#options = options;
    this.#decoder = new FallbackDecoder(
      model.inference,
      model.tokenizer,
      // Each window brings its own.
      { ...options, language: undefined },
      options.temperature,
    );
  }

  /** Decodes windows at once, each for itself: as many as the engine holds. */
  async run(requests: readonly WindowRequest[]): Promise<FinishedWindow[]> {
    const { signal, multilingual } = this.#options;
    const { inference, tokenizer } = this.#model;
    const audios: AudioFeatures[] = [];
    try {
      const inputs: (WindowInput & { readonly language: string })[] = [];
      for (const { mel, place, prompt, language } of requests) {
        const audio = await inference.encode(mel.window(place.seek, place.size), signal);
        audios.push(audio);
        const detected = multilingual ? await detectLanguage(inference, tokenizer, audio, signal) : undefined;
        inputs.push({ audio, prompt, language: detected?.language ?? language, stream: place.seek });
      }
      const results = await this.#decoder.run(inputs, signal);
      const finished: FinishedWindow[] = [];
      for (const [i, request] of requests.entries()) {
        const { audio, language } = inputs[i]!;
        const window = await this.#finish(audio, { ...request, language }, results[i]!);
        // Without timestamp rules a window can end in 0.00: openai/whisper would decode it for ever.
        const { seek, size } = request.place;
        const next = window.next > seek ? window.next : seek + size;
        const segments = window.segments?.map(emptyIfBlank);
        finished.push({ ...window, next, language, ...(segments && { segments }) });
      }
      return finished;
    } finally {
      for (const audio of audios) audio.close();
    }
  }

  /** The window with other words: what a join has left of it. */
  retold(window: FinishedWindow, spoken: SpokenWindow): FinishedWindow {
    const segments = this.#options.wordTimestamps ? this.#withWords(spoken) : spoken.segments;
    return { ...window, segments: segments.map(emptyIfBlank), spoken };
  }

  /** From the tokens of a window to its segments. */
  async #finish(
    audio: AudioFeatures,
    request: WindowRequest,
    result: DecodingResult,
  ): Promise<Omit<FinishedWindow, 'language'>> {
    const { wordTimestamps, hallucinationSilenceThreshold: threshold, multilingual } = this.#options;
    const { place, language, lastSpeech } = request;
    const { temperature } = result;
    const nothing = { temperature, lastSpeech, unfinished: false };
    if (isSilence(result, this.#options)) return { ...nothing, next: place.seek + place.size };
    const cut = cutSegments(result, place, this.#model.tokenizer);
    const { endsWhole, unfinished } = cut;
    const segments = multilingual ? cut.segments.map((segment) => ({ ...segment, language })) : cut.segments;
    let next = place.seek + cut.advance;
    const needsWords = wordTimestamps || request.spoken;
    const spoken = needsWords ? await this.#align(audio, request, segments) : undefined;
    const kept = request.spoken && spoken ? { spoken } : {};
    if (!wordTimestamps || !spoken) return { segments, temperature, next, unfinished, lastSpeech, ...kept };

    const worded = this.#withWords(spoken);
    const end = speechEnd(worded);
    if (!endsWhole && end !== undefined && end > seconds(place.seek)) next = roundHalfEven(end * FRAMES_PER_SECOND);
    if (threshold === undefined) {
      return { segments: worded, temperature, next, unfinished, lastSpeech: end ?? lastSpeech, ...kept };
    }
    const sifted = dropHallucinations({
      threshold,
      place,
      segments: worded,
      next,
      endsWhole,
      lastSpeech,
      nFrames: request.mel.nFrames,
    });
    if (sifted.again) return { ...nothing, next: sifted.next };
    return {
      segments: sifted.segments,
      temperature,
      next: sifted.next,
      unfinished,
      lastSpeech: speechEnd(sifted.segments) ?? lastSpeech,
      ...(request.spoken && { spoken: firstSegments(spoken, sifted.segments.length, this.#model.tokenizer.eot) }),
    };
  }

  /** When the words of segments were said. */
  async #align(
    audio: AudioFeatures,
    { place, language, lastSpeech }: WindowRequest,
    segments: readonly WindowSegment[],
  ): Promise<SpokenWindow> {
    const { inference, tokenizer } = this.#model;
    const { signal, task } = this.#options;
    if (!inference.align) {
      const aligned = spreadWords(tokenizer, segments, language, seconds(place.seek));
      return { place, segments, aligned, lastSpeech };
    }
    const textTokens = segments.flatMap(({ tokens }) => tokens.filter((token) => token < tokenizer.eot));
    const input = { audio, textTokens, language, task, nFrames: place.size };
    const aligned = await alignWords(inference, tokenizer, input, signal);
    return { place, segments, aligned, lastSpeech };
  }

  #withWords({ segments, aligned, lastSpeech }: SpokenWindow): WindowSegment[] {
    return addWords({
      segments,
      aligned,
      eot: this.#model.tokenizer.eot,
      prependPunctuations: this.#options.prependPunctuations,
      appendPunctuations: this.#options.appendPunctuations,
      lastSpeech,
    });
  }
}

/** A segment that takes no time or says nothing stays, without its text. */
function emptyIfBlank(segment: WindowSegment): WindowSegment {
  if (segment.start !== segment.end && strip(segment.text) !== '') return segment;
  return { ...segment, text: '', tokens: [], tokenLogprobs: [], words: [] };
}
