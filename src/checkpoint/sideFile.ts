/**
 * `sotto.msgpack`: what takes long to derive from a model's JSON files, derived once when the model is converted. It makes
 * a second start take milliseconds (`tokenizer.json` alone is 2.5 MB of JSON), and nothing more: without it, or when it is
 * of another version, damaged, or older than the files it was made from, those are read instead.
 *
 *     FIELD       CONTENTS
 *     sotto       1: version of this format
 *     stamps      file name -> stamp of its bytes when this was derived
 *     config      dimensions, alignment heads, suppressed tokens (`ModelConfig`)
 *     tokenizer   nVocab, specials, timestampBegin; tokenBytes; tokenLengths: bytes of each text token, u8
 */
import { unpack } from 'msgpackr/unpack';
import { SottoError, WeightsError } from '../base/errors.ts';
import type { TokenizerData } from '../text/tokenizerData.ts';
import { checkConfig, type ModelConfig } from './config.ts';
import { isObject } from './strictJson.ts';
import { checkTokenizerData } from './tokenizerJson.ts';

export const SIDE_FILE = 'sotto.msgpack';
export const SIDE_FILE_VERSION = 1;

export interface Derived {
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerData;
}

export interface SideFile extends Derived {
  readonly stamps: Readonly<Record<string, string>>;
}

/** @throws {WeightsError} `badSideFile`, `badConfig`, `badTokenizer` */
export function unpackSideFile(name: string, bytes: Uint8Array): SideFile {
  const bad = (what: string, cause?: unknown): WeightsError =>
    new WeightsError('badSideFile', `${name} ${what}.`, { cause, hint: 'Delete it; it is made again by converting.' });
  let data: unknown;
  try {
    data = unpack(bytes);
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    throw bad('is damaged', cause);
  }
  if (!isObject(data) || data.sotto !== SIDE_FILE_VERSION) throw bad(`is not of version ${SIDE_FILE_VERSION}`);
  const { stamps, tokenizer } = data;
  if (!isObject(stamps) || !isObject(tokenizer) || !isObject(tokenizer.specials)) throw bad('is damaged');
  const { tokenBytes, tokenLengths, nVocab, specials, timestampBegin } = tokenizer;
  if (!(tokenBytes instanceof Uint8Array) || !(tokenLengths instanceof Uint8Array) || typeof nVocab !== 'number') {
    throw bad('is damaged');
  }
  const tokenOffsets = new Uint32Array(tokenLengths.length + 1);
  for (let id = 0; id < tokenLengths.length; id++) tokenOffsets[id + 1] = tokenOffsets[id]! + tokenLengths[id]!;
  const config = checkConfig(name, data.config);
  if (nVocab !== config.dims.nVocab) throw bad('is damaged');
  return {
    stamps: textOnly(stamps),
    config,
    tokenizer: checkTokenizerData(name, {
      nVocab,
      // A copy: the unpacked one is a view of the whole file, in Node a Buffer.
      tokenBytes: new Uint8Array(tokenBytes),
      tokenOffsets,
      specials: numbersOnly(specials),
      timestampBegin: Number(timestampBegin),
    }),
  };
}

function textOnly(record: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, String(value)]));
}

function numbersOnly(record: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, Number(value)]));
}

/** Tells whether a file was edited: its length, and two 32-bit sums that every byte goes into. No protection from malice. */
export function stampOf(bytes: Uint8Array): string {
  const whole = bytes.length >>> 2;
  // A view needs an address that is a multiple of 4; what is read from a file has one.
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
