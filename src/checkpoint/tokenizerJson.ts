/**
 * Reads a Hugging Face `tokenizer.json` of a Whisper model: byte-level BPE whose tokens are written in GPT-2's alphabet,
 * where every byte is a printable character (openai/gpt-2, encoder.py, `bytes_to_unicode`).
 */
import { WeightsError } from '../base/errors.ts';
import type { TokenizerData } from '../text/tokenizerData.ts';
import { isObject, type JsonObject, parseJsonObject, shown } from './strictJson.ts';

/** Ids of 0.00 s to 30.00 s in steps of 0.02 s. */
const N_TIMESTAMPS = 1501;

const REQUIRED = [
  '<|endoftext|>',
  '<|startoftranscript|>',
  '<|translate|>',
  '<|transcribe|>',
  '<|startoflm|>',
  '<|startofprev|>',
  '<|nospeech|>',
  '<|notimestamps|>',
] as const;

const SPECIAL = /^<\|[^|]*\|>$/;
const TIMESTAMP = /^<\|\d+\.\d\d\|>$/;

/** @throws {WeightsError} `badTokenizer`, `badJson`, `duplicateKey` */
export function readTokenizerJson(name: string, text: string, nVocab: number): TokenizerData {
  const bad = (what: string): WeightsError => new WeightsError('badTokenizer', `${name} ${what}.`);
  const { model, added_tokens: added = [] } = parseJsonObject(name, text);
  if (!isObject(model) || !isObject(model.vocab) || !Array.isArray(model.merges) || !Array.isArray(added)) {
    throw bad('has no BPE model with vocab and merges');
  }
  const specials: Record<string, number> = {};
  let firstTimestamp: number | undefined;
  for (const entry of added) {
    if (!isObject(entry) || typeof entry.content !== 'string' || !isId(entry.id))
      throw bad('has an invalid added token');
    const { content, id } = entry as { content: string; id: number };
    if (TIMESTAMP.test(content)) {
      if (content === '<|0.00|>') firstTimestamp = id;
    } else if (SPECIAL.test(content) && id < nVocab) {
      specials[content === '<|nocaptions|>' ? '<|nospeech|>' : content] = id;
    }
  }
  const { tokenBytes, tokenOffsets } = packTokens(model.vocab, specials, bad);
  checkMerges(model.vocab, model.merges, bad);
  // Older files end with <|notimestamps|>; the timestamps after it have no names.
  const timestampBegin = firstTimestamp ?? (specials['<|notimestamps|>'] ?? 0) + 1;
  return checkTokenizerData(name, { nVocab, tokenBytes, tokenOffsets, specials, timestampBegin });
}

/**
 * Checks what must be true of every tokenizer, whichever file it is from.
 * @returns `data`
 * @throws {WeightsError} `badTokenizer`
 */
export function checkTokenizerData(name: string, data: TokenizerData): TokenizerData {
  const { nVocab, tokenBytes, tokenOffsets, specials, timestampBegin } = data;
  const bad = (what: string): WeightsError => new WeightsError('badTokenizer', `${name} ${what}.`);
  const nText = tokenOffsets.length - 1;
  let isRising = true;
  for (let id = 0; id < nText; id++) if (tokenOffsets[id]! > tokenOffsets[id + 1]!) isRising = false;
  if (nText < 256 || tokenOffsets[0] !== 0 || tokenOffsets[nText] !== tokenBytes.length || !isRising) {
    throw bad('has an invalid table of tokens');
  }
  for (const [text, id] of Object.entries(specials)) {
    if (!isId(id) || id < nText || id >= nVocab)
      throw bad(`gives ${text.slice(0, 100)} the id ${id}, outside of ${nText}..${nVocab}`);
  }
  const missing = REQUIRED.find((text) => !Object.hasOwn(specials, text));
  if (missing) throw bad(`has no ${missing}`);
  const last = Object.values(specials).reduce((a, b) => Math.max(a, b));
  if (!isId(timestampBegin) || timestampBegin <= last || timestampBegin + N_TIMESTAMPS > nVocab) {
    throw bad(`has timestamps from ${timestampBegin} on, which do not fit between ${last} and ${nVocab}`);
  }
  return data;
}

/** The text tokens by id, as bytes. */
function packTokens(
  vocab: JsonObject,
  specials: Readonly<Record<string, number>>,
  bad: (what: string) => WeightsError,
): { readonly tokenBytes: Uint8Array; readonly tokenOffsets: Uint32Array } {
  const texts: string[] = [];
  let count = 0;
  for (const [text, id] of Object.entries(vocab)) {
    if (Object.hasOwn(specials, text)) continue; // <|endoftext|> is in both
    if (!isId(id) || texts[id] !== undefined) throw bad(`has no unique id for ${shown(text)}`);
    texts[id] = text;
    count++;
  }
  if (texts.length !== count) throw bad(`has ${count} text tokens with ids up to ${texts.length - 1}`);
  const alphabet = byteAlphabet();
  const tokenOffsets = new Uint32Array(count + 1);
  // Every character stands for one byte.
  const tokenBytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0));
  let at = 0;
  texts.forEach((text, id) => {
    for (let i = 0; i < text.length; i++) {
      const byte = alphabet[text.charCodeAt(i)];
      if (byte === undefined) throw bad(`has the token ${shown(text)} (${id}), which is not in GPT-2's alphabet`);
      tokenBytes[at++] = byte;
    }
    tokenOffsets[id + 1] = at;
  });
  return { tokenBytes, tokenOffsets };
}

/** Encoding uses a token's id as its rank, so merges must be in the order of the ids that they produce. */
function checkMerges(vocab: JsonObject, merges: readonly unknown[], bad: (what: string) => WeightsError): void {
  let before = -1;
  for (const [rank, merge] of merges.entries()) {
    const joined = typeof merge === 'string' ? withoutSpace(merge) : Array.isArray(merge) ? merge.join('') : undefined;
    const id = joined === undefined ? undefined : vocab[joined];
    if (!isId(id) || id <= before) throw bad(`has merge ${rank} not in the order of the ids`);
    before = id;
  }
}

/** A merge of older files, `Ġt he`; newer ones have pairs. */
function withoutSpace(merge: string): string {
  const space = merge.indexOf(' ');
  return merge.slice(0, space) + merge.slice(space + 1);
}

/** Byte by code point: printable Latin-1 stands for itself, the 68 other bytes for U+0100 and on. */
function byteAlphabet(): readonly (number | undefined)[] {
  const bytes: (number | undefined)[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes[isPrintable ? byte : next++] = byte;
  }
  return bytes;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0; // an integer is a number
}
