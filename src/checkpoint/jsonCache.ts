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
import type { WeightSource } from './source.ts';

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
  const checksum = new Checksum();
  checksum.add(bytes);
  return checksum.text;
}

/** The same of a file, which is never in memory as a whole. @throws what reading the source throws */
export async function checksumOfSource(source: WeightSource, signal?: AbortSignal): Promise<string> {
  const checksum = new Checksum();
  const buffer = new Uint8Array(Math.min(source.size, PIECE_BYTES));
  for (let at = 0; at < source.size; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, source.size - at));
    if (source.readInto) await source.readInto(at, piece, signal);
    else piece.set(await source.read(at, at + piece.length, signal));
    checksum.add(piece);
  }
  return checksum.text;
}

/** A multiple of 4. */
const PIECE_BYTES = 2 ** 16;

class Checksum {
  #a = 0x811c9dc5;
  #b = 0x9e3779b9;
  #length = 0;

  /** @param bytes whole words, but of the last piece */
  add(bytes: Uint8Array): void {
    const whole = bytes.length >>> 2;
    // A view of words needs an offset that is a multiple of 4; what is read from a file has one.
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Uint32Array(aligned.buffer, aligned.byteOffset, whole);
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < whole; i++) {
      const word = words[i]!;
      a = Math.imul(a ^ word, 0x01000193);
      b = (Math.imul((b << 13) | (b >>> 19), 5) + word) | 0;
    }
    for (let i = whole * 4; i < bytes.length; i++) a = Math.imul(a ^ bytes[i]!, 0x01000193);
    this.#a = a;
    this.#b = b;
    this.#length += bytes.length;
  }

  get text(): string {
    return `${this.#length}-${(this.#a >>> 0).toString(16)}-${(this.#b >>> 0).toString(16)}`;
  }
}
