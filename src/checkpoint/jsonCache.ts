/**
 * `sotto.msgpack`: a model's JSON files in parsed form, written once when the model is converted. It makes later starts
 * take milliseconds (`tokenizer.json` alone is 2.5 MB), and nothing depends on it: if it is missing, of another version,
 * damaged, or older than the files it was made from, those are read instead.
 *
 *     FIELD       CONTENTS
 *     sotto       1: version of this format
 *     stamps      file name -> checksum of the bytes that were parsed
 *     config      dimensions, alignment heads, suppressed tokens (`ModelConfig`)
 *     tokenizer   nVocab, specials, timestampBegin; tokenBytes; tokenLengths: bytes of each text token, u8
 */
import type { TokenizerData } from '../text/tokenizerData.ts';
import type { ModelConfig } from './config.ts';

export const JSON_CACHE = 'sotto.msgpack';
export const JSON_CACHE_VERSION = 1;

/** What the JSON files of a model say. */
export interface ParsedJson {
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerData;
}

export interface JsonCache extends ParsedJson {
  /** By file name. */
  readonly checksums: Readonly<Record<string, string>>;
}

/** Detects that a file was edited, by its length and two 32-bit sums over all bytes; no protection against an attacker. */
export function checksumOf(bytes: Uint8Array): string {
  const whole = bytes.length >>> 2;
  // A view of words needs an offset that is a multiple of 4; what is read from a file has one.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, whole);
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < whole; i++) {
    const word = words[i]!;
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul((b << 13) | (b >>> 19), 5) + word;
  }
  for (let i = whole * 4; i < bytes.length; i++) a = Math.imul(a ^ bytes[i]!, 0x01000193);
  return `${bytes.length}-${(a >>> 0).toString(16)}-${(b >>> 0).toString(16)}`;
}
