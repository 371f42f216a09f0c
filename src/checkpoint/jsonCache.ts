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
import { SottoError, WeightsError } from '../base/errors.ts';
import type { TokenizerData } from '../text/tokenizerData.ts';
import { checkConfig, type ModelConfig } from './config.ts';
import { isObject } from './strictJson.ts';
import { checkTokenizerData } from './tokenizerJson.ts';

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

/** @throws {WeightsError} `badSideFile`, `badConfig`, `badTokenizer` */
export async function unpackJsonCache(name: string, bytes: Uint8Array): Promise<JsonCache> {
  // Loaded where there is such a file: a page whose model has none is spared the reader's bytes.
  const { unpack } = await import('msgpackr/unpack');
  const bad = (what: string, cause?: unknown): WeightsError =>
    new WeightsError('badSideFile', `${name} ${what}.`, {
      cause,
      hint: 'Delete it: converting the model writes a new one.',
    });
  let data: unknown;
  try {
    data = unpack(bytes);
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    throw bad('is damaged', cause);
  }
  if (!isObject(data) || data.sotto !== JSON_CACHE_VERSION) throw bad(`does not have version ${JSON_CACHE_VERSION}`);
  const { stamps, tokenizer } = data;
  if (!isObject(tokenizer)) throw bad('is damaged');
  const { tokenBytes, tokenLengths, nVocab, specials, timestampBegin } = tokenizer;
  if (!(tokenBytes instanceof Uint8Array) || !(tokenLengths instanceof Uint8Array)) throw bad('is damaged');
  if (!isRecordOf(stamps, isString) || !isRecordOf(specials, isNumber)) throw bad('is damaged');
  if (!isNumber(nVocab) || !isNumber(timestampBegin)) throw bad('is damaged');
  const tokenOffsets = new Uint32Array(tokenLengths.length + 1);
  for (let id = 0; id < tokenLengths.length; id++) tokenOffsets[id + 1] = tokenOffsets[id]! + tokenLengths[id]!;
  const config = checkConfig(name, data.config);
  if (nVocab !== config.dims.nVocab) throw bad('is damaged');
  return {
    checksums: { ...stamps },
    config,
    tokenizer: checkTokenizerData(name, {
      nVocab,
      // A copy: the unpacked array is a view of the whole file, in Node a Buffer.
      tokenBytes: new Uint8Array(tokenBytes),
      tokenOffsets,
      specials: { ...specials },
      timestampBegin,
    }),
  };
}

/** Is it an object as JSON has it, of such values? MessagePack can name maps, dates, errors and bytes where one should be. */
function isRecordOf<T>(value: unknown, isValid: (each: unknown) => each is T): value is Readonly<Record<string, T>> {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isValid);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
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
