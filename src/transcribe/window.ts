/**
 * One window of a recording: decoded, cut into segments, with word times if asked for, and where the next one begins.
 *
 * @see openai/whisper, whisper/transcribe.py: the body of the loop in transcribe()
 */
import { FallbackDecoder, isSilence, type QualityThresholds } from '../decode/fallback.js';
import type { AudioFeatures, Inference } from '../decode/inference.js';
import { detectLanguage } from '../decode/languageDetect.js';
import { roundHalfEven, strip } from '../numeric/python.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { alignWords } from './alignment.js';
import { dropHallucinations, speechEnd } from './hallucination.js';
import { type TranscribeOptions, temperatureList } from './options.js';
import { cutSegments, FRAMES_PER_SECOND, seconds, type WindowPlace, type WindowSegment } from './segments.js';
import { addWords, defaultAppendPunctuations, defaultPrependPunctuations } from './wordTiming.js';

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

export interface FinishedWindow {
  /** Undefined if nothing is recorded of the window: silence, or to be looked at again from another place. */
  readonly segments?: readonly WindowSegment[];
  readonly temperature: number;
  /** First frame of the next window; always after this one's. */
  readonly next: number;
}

export class WindowDecoder {
  readonly #model: Transcriber;
  readonly #mel: MelSource;
  readonly #options: TranscribeOptions;
  readonly #language: string;
  readonly #thresholds: QualityThresholds;
  readonly #decoder: FallbackDecoder;
  /** Where speech ended so far, in seconds. Known only with word times. */
  #lastSpeech = 0;

  /** @throws {OptionsError} for decoding options that make no sense */
  constructor(model: Transcriber, mel: MelSource, language: string, options: TranscribeOptions) {
    this.#model = model;
    this.#mel = mel;
    this.#options = options;
    this.#language = language;
    this.#thresholds = {
      compressionRatioThreshold: orDefault(options.compressionRatioThreshold, 2.4),
      logprobThreshold: orDefault(options.logprobThreshold, -1),
      noSpeechThreshold: orDefault(options.noSpeechThreshold, 0.6),
    };
    this.#decoder = new FallbackDecoder(
      model.inference,
      model.tokenizer,
      { ...options, language },
      temperatureList(options.temperature),
      this.#thresholds,
    );
  }

  /** @param prompt tokens of what was said before */
  async run(place: WindowPlace, prompt: readonly number[]): Promise<FinishedWindow> {
    const { signal } = this.#options;
    const audio = await this.#model.inference.encode(this.#mel.window(place.seek, place.size), signal);
    try {
      const window = await this.#decode(audio, place, prompt);
      // Without timestamp rules a window can end in 0.00: openai/whisper would decode it for ever.
      const next = window.next > place.seek ? window.next : place.seek + place.size;
      return { ...window, next, ...(window.segments && { segments: window.segments.map(emptyIfBlank) }) };
    } finally {
      audio.close();
    }
  }

  async #decode(audio: AudioFeatures, place: WindowPlace, prompt: readonly number[]): Promise<FinishedWindow> {
    const { signal, wordTimestamps = false, hallucinationSilenceThreshold: threshold } = this.#options;
    const { inference, tokenizer } = this.#model;
    const detected = this.#options.multilingual ? await detectLanguage(inference, tokenizer, audio, signal) : undefined;
    const language = detected?.language ?? this.#language;
    const [result] = await this.#decoder.run([{ audio, prompt, language, stream: place.seek }], signal);
    const { temperature } = result!;
    if (isSilence(result!, this.#thresholds)) return { temperature, next: place.seek + place.size };
    const cut = cutSegments(result!, place, tokenizer);
    const { endsWhole } = cut;
    let segments = detected ? cut.segments.map((segment) => ({ ...segment, language })) : cut.segments;
    let next = place.seek + cut.advance;
    if (!wordTimestamps) return { segments, temperature, next };

    segments = await this.#withWords(audio, place, segments, language);
    const end = speechEnd(segments);
    if (!endsWhole && end !== undefined && end > seconds(place.seek)) next = roundHalfEven(end * FRAMES_PER_SECOND);
    if (threshold === undefined) {
      this.#lastSpeech = end ?? this.#lastSpeech;
      return { segments, temperature, next };
    }
    const sifted = dropHallucinations({
      threshold,
      place,
      segments,
      next,
      endsWhole,
      lastSpeech: this.#lastSpeech,
      nFrames: this.#mel.nFrames,
    });
    if (sifted.again) return { temperature, next: sifted.next };
    this.#lastSpeech = speechEnd(sifted.segments) ?? this.#lastSpeech;
    return { segments: sifted.segments, temperature, next: sifted.next };
  }

  async #withWords(
    audio: AudioFeatures,
    place: WindowPlace,
    segments: WindowSegment[],
    language: string,
  ): Promise<WindowSegment[]> {
    const { inference, tokenizer } = this.#model;
    const { signal, task = 'transcribe' } = this.#options;
    const textTokens = segments.flatMap(({ tokens }) => tokens.filter((token) => token < tokenizer.eot));
    const input = { audio, textTokens, language, task, nFrames: place.size };
    return addWords({
      segments,
      aligned: await alignWords(inference, tokenizer, input, signal),
      eot: tokenizer.eot,
      prependPunctuations: this.#options.prependPunctuations ?? defaultPrependPunctuations,
      appendPunctuations: this.#options.appendPunctuations ?? defaultAppendPunctuations,
      lastSpeech: this.#lastSpeech,
    });
  }
}

/** A segment that takes no time or says nothing stays, without its text. */
function emptyIfBlank(segment: WindowSegment): WindowSegment {
  if (segment.start !== segment.end && strip(segment.text) !== '') return segment;
  return { ...segment, text: '', tokens: [], tokenLogprobs: [], words: [] };
}

/** Undefined gives the default; null stays, and switches a test off. */
function orDefault(value: number | null | undefined, standard: number): number | null {
  return value === undefined ? standard : value;
}
