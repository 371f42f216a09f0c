/**
 * Groups tokens into words, for word times.
 *
 * @see openai/whisper, whisper/tokenizer.py: split_to_word_tokens, split_tokens_on_unicode, split_tokens_on_spaces
 */
import { strip } from '../base/python.ts';

export interface WordTokens {
  /** With its leading space. */
  readonly word: string;
  readonly tokens: readonly number[];
}

/** Languages written without spaces between words: there every complete character is a word. */
const UNSPACED = new Set(['zh', 'ja', 'th', 'lo', 'my', 'yue']);
/** Python's string.punctuation. */
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
const REPLACEMENT = '\ufffd';

/** Is each character a word of its own in this language? @param language code */
export function isUnspaced(language: string): boolean {
  return UNSPACED.has(language);
}

type Decode = (tokens: readonly number[]) => string;

export function splitToWords(tokens: readonly number[], language: string, eot: number, decode: Decode): WordTokens[] {
  const pieces = splitOnUnicode(tokens, decode);
  return isUnspaced(language) ? pieces : joinOnSpaces(pieces, eot);
}

/** Smallest runs of tokens that are complete characters. Those of an incomplete last one are dropped, as in openai/whisper. */
function splitOnUnicode(tokens: readonly number[], decode: Decode): WordTokens[] {
  const full = [...decode(tokens)];
  const pieces: WordTokens[] = [];
  let current: number[] = [];
  let offset = 0;
  for (const token of tokens) {
    current.push(token);
    const word = decode(current);
    const characters = [...word];
    const bad = characters.indexOf(REPLACEMENT);
    // A replacement character that is in the whole text too is not completed by more tokens.
    if (bad < 0 || full[offset + bad] === REPLACEMENT) {
      pieces.push({ word, tokens: current });
      current = [];
      offset += characters.length;
    }
  }
  return pieces;
}

function joinOnSpaces(pieces: readonly WordTokens[], eot: number): WordTokens[] {
  const words: { word: string; tokens: number[] }[] = [];
  for (const { word, tokens } of pieces) {
    const last = words.at(-1);
    // A substring test, as Python's `in`: spaces only strip to '', which is a substring, and begin a word.
    const startsWord = tokens[0]! >= eot || word.startsWith(' ') || PUNCTUATION.includes(strip(word));
    if (!last || startsWord) {
      words.push({ word, tokens: [...tokens] });
    } else {
      last.word += word;
      last.tokens.push(...tokens);
    }
  }
  return words;
}
