/**
 * JSON of untrusted files. `JSON.parse` keeps the last of two equal keys, so two readers of one file may see different
 * values: here that is an error. All failures are WeightsErrors that name the file.
 */
import { WeightsError } from '../base/errors.ts';
import { refuseLfsPointer } from './lfsPointer.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Four times those of any tokenizer.json, the largest there is. `[[],[],...` takes ten times its bytes in memory. */
const MAX_VALUES = 2 ** 20;

/** @throws {WeightsError} `lfsPointer`, `badJson`, `duplicateKey`, `tooLarge` */
function parseJson(name: string, text: string): unknown {
  if (hasMoreValues(text, MAX_VALUES)) {
    throw new WeightsError('tooLarge', `${name} has more than ${MAX_VALUES} values, which no file of a model has.`);
  }
  refuseLfsPointer(name, text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // A recursive parser may also run out of stack, for `[[[[...`.
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : cause;
    throw new WeightsError('badJson', `${name} is not JSON: ${reason}.`, { cause });
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) {
    throw new WeightsError(
      'duplicateKey',
      `${name} has the key ${JSON.stringify(twice.slice(0, 200))} twice in one object.`,
    );
  }
  return value;
}

/** Counts what begins or separates values, in strings too. */
function hasMoreValues(text: string, most: number): boolean {
  if (text.length <= most) return false;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code === 0x2c || code === 0x5b || code === 0x7b) && ++count > most) return true; // , [ {
  }
  return false;
}

/** @throws {WeightsError} `badJson`, also if the text is not an object; `duplicateKey`, `tooLarge` */
export function parseJsonObject(name: string, text: string): JsonObject {
  const value = parseJson(name, text);
  if (!isObject(value)) throw new WeightsError('badJson', `${name} is not a JSON object.`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value of an untrusted file in a message: JSON, cut when it is long. */
export function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
  } catch {
    // Nested deeper than the stack, or holding a bigint: its kind says enough.
  }
  text ??= typeof value;
  return text.length <= 100 ? text : `${text.slice(0, 100)}...`;
}

/** The first key that occurs twice in one object of a valid JSON text. */
function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // keys of the enclosing objects; undefined for an array
  let atKey = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x7b: // {
        open.push(new Set());
        atKey = true;
        break;
      case 0x5b: // [
        open.push(undefined);
        atKey = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        atKey = false;
        break;
      case 0x2c: // ,
        atKey = open.at(-1) !== undefined;
        break;
      case 0x22: {
        // A string. A regular expression would overflow its stack on one of many megabytes.
        const begin = i + 1;
        let isEscaped = false;
        for (i++; text.charCodeAt(i) !== 0x22; i++) {
          if (text.charCodeAt(i) !== 0x5c) continue;
          isEscaped = true;
          i++;
        }
        if (!atKey) break;
        const raw = text.slice(begin, i);
        const key: string = isEscaped ? JSON.parse(`"${raw}"`) : raw;
        const keys = open.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
        atKey = false;
      }
    }
  }
  return undefined;
}
