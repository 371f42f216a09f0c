/** Reads `sotto.msgpack` (format: `jsonCache.ts`). A page whose model has no such file does not load this one. */
import { unpack } from 'msgpackr/unpack';
import { SottoError, WeightsError } from '../base/errors.ts';
import { checkConfig } from './config.ts';
import { JSON_CACHE_VERSION, type JsonCache } from './jsonCache.ts';
import { isObject } from './strictJson.ts';
import { checkTokenizerData } from './tokenizerJson.ts';

/** @throws {WeightsError} `badSideFile`, `badConfig`, `badTokenizer` */
export function unpackJsonCache(name: string, bytes: Uint8Array): JsonCache {
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
