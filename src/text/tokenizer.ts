/**
 * Text to tokens and back; all ids come from the model's files.
 *
 * @see openai/whisper, whisper/tokenizer.py
 */
import { OptionsError, WeightsError } from '../base/errors.ts';
import { encodePiece, Vocabulary } from './bpe.ts';
import { languageCodes } from './languages.ts';
import { nonSpeechTokens } from './nonSpeech.ts';
import type { TokenizerData } from './tokenizerData.ts';
import { splitToWords, type WordTokens } from './words.ts';

export const TASKS = ['transcribe', 'translate'] as const;
export type Task = (typeof TASKS)[number];

/**
 * GPT-2's pattern. White space is Unicode's White_Space, as in tiktoken: JavaScript's `\s` lacks U+0085 and has U+FEFF.
 */
const PIECES =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Pieces in the cache at most, and their greatest length. */
const CACHE_SIZE = 4096;
const CACHE_LENGTH = 64;
/** Seconds from one timestamp token to the next. */
export const TIME_PRECISION = 0.02;

export class Tokenizer {
  /** Ids of the model's output, timestamps included. */
  readonly nVocab: number;
  readonly isMultilingual: boolean;
  readonly eot: number;
  readonly sot: number;
  readonly transcribe: number;
  readonly translate: number;
  readonly sotLm: number;
  readonly sotPrev: number;
  /** Undefined in a model that has no such token. */
  readonly noSpeech: number | undefined;
  readonly noTimestamps: number;
  /** Id of `<|0.00|>`. */
  readonly timestampBegin: number;
  /** Languages the model has a token for, in the order of the tokens. */
  readonly languages: readonly string[];

  readonly #vocabulary: Vocabulary;
  readonly #specials: Readonly<Record<string, number>>;
  readonly #specialTexts = new Map<number, string>();
  readonly #cache = new Map<string, readonly number[]>();
  readonly #utf8 = new TextEncoder();
  #nonSpeech: readonly number[] | undefined;

  /** @throws {WeightsError} `tokenizer` if a special token that decoding needs is missing */
  constructor(data: TokenizerData) {
    this.nVocab = data.nVocab;
    // openai/whisper's criterion; an English-only vocabulary has the language tokens too.
    this.isMultilingual = data.nVocab >= 51865;
    this.#vocabulary = new Vocabulary(data.tokenBytes, data.tokenOffsets);
    this.#specials = data.specials;
    for (const [text, id] of Object.entries(data.specials)) this.#specialTexts.set(id, text);
    const id = (text: string): number => {
      const found = this.special(text);
      if (found === undefined) throw new WeightsError('tokenizer', `The tokenizer has no token ${text}.`);
      return found;
    };
    this.eot = id('<|endoftext|>');
    this.sot = id('<|startoftranscript|>');
    this.transcribe = id('<|transcribe|>');
    this.translate = id('<|translate|>');
    this.sotLm = id('<|startoflm|>');
    this.sotPrev = id('<|startofprev|>');
    this.noSpeech = this.special('<|nospeech|>');
    this.noTimestamps = id('<|notimestamps|>');
    this.timestampBegin = data.timestampBegin;
    this.languages = languageCodes.filter((code) => this.special(`<|${code}|>`) !== undefined);
  }

  /** Id of a special token by its text; undefined if the model has none. */
  special(text: string): number | undefined {
    return Object.hasOwn(this.#specials, text) ? this.#specials[text] : undefined;
  }

  /** @throws {OptionsError} `language` if this model has no token for the code */
  languageToken(code: string): number {
    const id = this.special(`<|${code}|>`);
    if (id !== undefined) return id;
    throw new OptionsError('language', `This model has no token for the language "${code}".`, {
      hint: 'Its languages are in `tokenizer.languages`.',
    });
  }

  /** `[sot, language, task]`, or `[sot]` alone in an English-only model. */
  sotSequence(language = 'en', task: Task = 'transcribe'): number[] {
    if (!this.isMultilingual) return [this.sot];
    return [this.sot, this.languageToken(language), task === 'transcribe' ? this.transcribe : this.translate];
  }

  /** Ids of `"#()*+/...` and of brackets, dashes and notes that describe sounds: the meaning of `-1` in suppressTokens. */
  get nonSpeechTokens(): readonly number[] {
    this.#nonSpeech ??= nonSpeechTokens((text) => this.encode(text));
    return this.#nonSpeech;
  }

  /**
   * Tokens of plain text.
   *
   * @throws {OptionsError} `specialToken` if the text contains the name of a special token, as in tiktoken: a prompt must
   *   not be able to contain `<|endoftext|>`
   */
  encode(text: string): number[] {
    if (text.includes('<|')) this.#rejectSpecials(text);
    const ids: number[] = [];
    for (const [piece] of text.matchAll(PIECES)) for (const id of this.#encodePiece(piece)) ids.push(id);
    return ids;
  }

  /** Text of tokens, without timestamps; other special tokens give their names, invalid UTF-8 gives U+FFFD. */
  decode(tokens: Iterable<number>): string {
    const decoder = new TokenDecoder(this);
    let text = '';
    for (const token of tokens) text += decoder.push(token);
    return text + decoder.end();
  }

  /** Text of tokens with timestamps as `<|1.08|>`. */
  decodeWithTimestamps(tokens: Iterable<number>): string {
    let text = '';
    let run: number[] = [];
    for (const token of tokens) {
      if (token < this.timestampBegin) {
        run.push(token);
        continue;
      }
      text += `${this.decode(run)}<|${((token - this.timestampBegin) * TIME_PRECISION).toFixed(2)}|>`;
      run = [];
    }
    return text + this.decode(run);
  }

  /** A decoder for tokens one by one, which holds back bytes until they are complete characters. */
  streamDecoder(): TokenDecoder {
    return new TokenDecoder(this);
  }

  /** Groups tokens into words; it depends on the language whether spaces separate them. */
  splitToWordTokens(tokens: readonly number[], language: string): WordTokens[] {
    return splitToWords(tokens, language, this.eot, (part) => this.decodeWithTimestamps(part));
  }

  /** Bytes of one token: UTF-8, maybe of a part of a character; for a special token its name; undefined without text. */
  bytesOf(token: number): Uint8Array | undefined {
    if (token < this.#vocabulary.size) return this.#vocabulary.bytesOf(token);
    const text = this.#specialTexts.get(token);
    return text === undefined ? undefined : this.#utf8.encode(text);
  }

  #encodePiece(piece: string): readonly number[] {
    const known = this.#cache.get(piece);
    if (known) return known;
    const ids = encodePiece(this.#vocabulary, this.#utf8.encode(piece));
    if (piece.length <= CACHE_LENGTH) {
      if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
      this.#cache.set(piece, ids);
    }
    return ids;
  }

  #rejectSpecials(text: string): void {
    for (const [name] of text.matchAll(/<\|[^|]*\|>/g)) {
      const isTimestamp = /^<\|([0-2]?\d\.\d[02468]|30\.00)\|>$/.test(name);
      if (!isTimestamp && this.special(name) === undefined) continue;
      throw new OptionsError('specialToken', `The text contains the special token ${name}.`, {
        hint: 'Remove it, or give the text as token ids.',
      });
    }
  }
}

/** Turns tokens into text one by one. */
export class TokenDecoder {
  readonly #tokenizer: Tokenizer;
  // A leading U+FEFF is text here, not a byte order mark.
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Text that is complete with this token. */
  push(token: number): string {
    if (token >= this.#tokenizer.timestampBegin) return '';
    const bytes = this.#tokenizer.bytesOf(token);
    return bytes ? this.#utf8.decode(bytes, { stream: true }) : '';
  }

  /** U+FFFD if the last character is incomplete, else nothing. The decoder may be used again. */
  end(): string {
    return this.#utf8.decode();
  }
}
