/** The language of a stream: as given, or detected again with each decode until the detection is reliable. */
import { FRAMES_PER_SECOND } from '../../audio/constants.ts';
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import { languageCode } from '../../text/languages.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { StreamOptions } from './streamOptions.ts';

/** Two decodes in a row must detect the same language, with this probability ... */
const MIN_PROBABILITY = 0.8;
/** ... or any probability, if they had so many frames. */
const MIN_FRAMES = 10 * FRAMES_PER_SECOND;

/** What a decode says of the language. */
interface Detected {
  readonly language: string;
  readonly detection?: LanguageDetection | undefined;
}

export class StreamLanguage {
  readonly #onLanguage: StreamOptions['onLanguage'];
  #code: string | undefined;
  /** Detected by the last decode. */
  #candidate: string | undefined;

  /** @throws {OptionsError} `language` if Whisper, or this model, does not know it */
  constructor(tokenizer: Tokenizer, { language, onLanguage }: Pick<StreamOptions, 'language' | 'onLanguage'>) {
    this.#onLanguage = onLanguage;
    if (!tokenizer.isMultilingual) this.#set({ language: 'en' });
    else if (language !== undefined) {
      const code = languageCode(language);
      tokenizer.languageToken(code);
      this.#set({ language: code });
    }
  }

  /** Undefined as long as it is not decided. */
  get code(): string | undefined {
    return this.#code;
  }

  /** Takes what a decode of `nFrames` detected, and decides if that is reliable. */
  observe(detected: Detected, nFrames: number): void {
    if (this.#code !== undefined) return;
    const { language, detection } = detected;
    const isRepeated = this.#candidate === language;
    this.#candidate = language;
    const probability = detection?.probabilities[language] ?? 0;
    if (isRepeated && (probability >= MIN_PROBABILITY || nFrames >= MIN_FRAMES)) this.#set(detected);
  }

  /** Decides on what the last decode of a window detected. */
  finalize(detected: Detected): void {
    if (this.#code === undefined) this.#set(detected);
  }

  #set({ language, detection }: Detected): void {
    this.#code = language;
    this.#onLanguage?.(language, detection);
  }
}
