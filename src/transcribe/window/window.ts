/**
 * One window of a recording: decoded, cut into segments, with word times if asked for, and where the next one begins.
 *
 * @see openai/whisper, whisper/transcribe.py: the body of the loop in transcribe()
 */
import { FRAMES_PER_SECOND } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { roundHalfEven } from '../../base/python.ts';
import { FallbackDecoder, isSilence } from '../../decode/fallback.ts';
import type { AudioFeatures } from '../../decode/inference.ts';
import { detectLanguage } from '../../decode/languageDetect.ts';
import type { DecodingResult } from '../../decode/task.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import type { AlignedWindow } from '../words/alignedWindow.ts';
import { clearIfBlank, cutSegments, type WindowPlace, type WindowSegment } from './segments.ts';

/** One window to decode. Windows of one call may be of different recordings. */
export interface WindowRequest {
  readonly mel: Pick<LogMel, 'nFrames' | 'window'>;
  readonly place: WindowPlace;
  /** Tokens of the text before it. */
  readonly prompt: readonly number[];
  /** Code; not used with `multilingual`. */
  readonly language: string;
  /** Where speech ended before this window, in seconds. Used with word times only. */
  readonly lastSpeech: number;
  /** Align its words and return them, whatever the options say: they are needed for an overlap merge. */
  readonly keepAligned?: boolean;
  /** As in `WindowInput`. */
  readonly speechUntil?: number | undefined;
}

export interface WindowResult {
  /** Undefined if nothing of the window is kept: it is silence, or to be decoded again from another place. */
  readonly segments?: readonly WindowSegment[];
  readonly temperature: number;
  /** First frame of the next window; always after this one's. */
  readonly next: number;
  /** There is text after the last pair of timestamps: it is to be decoded again, from `next`. */
  readonly isUnfinished: boolean;
  readonly language: string;
  /** Where the last speech has ended, in seconds; as in the request unless word times are asked for. */
  readonly lastSpeech: number;
  /** The aligned words, if the request wanted them. */
  readonly aligned?: AlignedWindow;
}

export class WindowDecoder {
  readonly #model: SpeechModel;
  readonly #options: ResolvedTranscribeOptions;
  readonly #decoder: FallbackDecoder;

  /** @throws {OptionsError} for decoding options that contradict each other */
  constructor(model: SpeechModel, options: ResolvedTranscribeOptions) {
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

  /** Decodes windows together, as many as the engine has room for, each independent of the others. */
  async decode<const R extends readonly WindowRequest[]>(
    requests: R,
  ): Promise<{ readonly [I in keyof R]: WindowResult }> {
    const { signal, multilingual } = this.#options;
    const { inference, tokenizer } = this.#model;
    const opened: AudioFeatures[] = [];
    try {
      const inputs: EncodedWindow[] = [];
      for (const { mel, place, language, ...request } of requests) {
        const audio = await inference.encode(await mel.window(place.seek, place.size), signal);
        opened.push(audio);
        const detected = multilingual ? await detectLanguage(inference, tokenizer, audio, signal) : undefined;
        const window = { nFrames: mel.nFrames, place, language: detected?.language ?? language };
        inputs.push({ ...request, ...window, audio, stream: place.seek });
      }
      const decoded = await this.#decoder.run(inputs, signal);
      const results: WindowResult[] = [];
      for (const [i, input] of inputs.entries()) {
        const result = await this.#finish(input, decoded[i]!);
        // Without timestamp rules a window can end in 0.00: openai/whisper would decode it again and again.
        const { seek, size } = input.place;
        const next = result.next > seek ? result.next : seek + size;
        const segments = result.segments?.map(clearIfBlank);
        results.push({ ...result, next, language: input.language, ...(segments && { segments }) });
      }
      // One a request.
      return results as { readonly [I in keyof R]: WindowResult };
    } finally {
      for (const audio of opened) audio.close();
    }
  }

  /** From the tokens of a window to its segments. */
  async #finish(window: EncodedWindow, decoded: DecodingResult): Promise<Omit<WindowResult, 'language'>> {
    const { wordTimestamps, hallucinationSilenceThreshold: threshold, multilingual } = this.#options;
    const { place, language, lastSpeech, keepAligned } = window;
    const { temperature } = decoded;
    const nothing = { temperature, lastSpeech, isUnfinished: false };
    if (isSilence(decoded, this.#options)) return { ...nothing, next: place.seek + place.size };
    const { eot } = this.#model.tokenizer;
    const cut = cutSegments(decoded, place, this.#model.tokenizer);
    const { singleTimestampEnding, isUnfinished } = cut;
    const segments = multilingual ? cut.segments.map((segment) => ({ ...segment, language })) : cut.segments;
    let next = place.seek + cut.advance;
    const found = { segments, temperature, next, isUnfinished, lastSpeech };
    if (!wordTimestamps && !keepAligned) return found;
    const [{ alignWindow, firstSegments, segmentsWithWords }, { filterHallucinations, speechEnd }] = await Promise.all([
      import('../words/alignedWindow.ts'),
      import('./hallucination.ts'),
    ]);
    const aligned = await alignWindow(this.#model, { ...window, segments }, this.#options);
    if (!wordTimestamps) return { ...found, aligned };

    const worded = segmentsWithWords(this.#model, aligned, this.#options);
    const end = speechEnd(worded);
    if (!singleTimestampEnding && end !== undefined && end > framesToSeconds(place.seek))
      next = roundHalfEven(end * FRAMES_PER_SECOND);
    if (threshold === undefined) {
      const kept = keepAligned ? { aligned } : {};
      return { ...found, segments: worded, next, lastSpeech: end ?? lastSpeech, ...kept };
    }
    const { nFrames } = window;
    const input = { threshold, place, segments: worded, next, singleTimestampEnding, lastSpeech, nFrames };
    const filtered = filterHallucinations(input);
    if (filtered.isDiscarded) return { ...nothing, next: filtered.next };
    const kept = keepAligned ? { aligned: firstSegments(aligned, filtered.segments.length, eot) } : {};
    const ended = speechEnd(filtered.segments) ?? lastSpeech;
    return { ...found, segments: filtered.segments, next: filtered.next, lastSpeech: ended, ...kept };
  }
}

/** A request after the encoder, with the language that was detected for it. */
interface EncodedWindow extends Omit<WindowRequest, 'mel'> {
  readonly audio: AudioFeatures;
  readonly nFrames: number;
  /** Distinguishes its random draws from those of other windows. */
  readonly stream: number;
}
