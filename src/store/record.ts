/**
 * What is known of a file that is kept. Keys in the cache, of a model whose folder has the address PLACE (escaped):
 *
 *     PLACE/model.safetensors/record     this, as JSON
 *     PLACE/model.safetensors/0, 1 ...   its parts, each of PART_BYTES but the last
 */
import { decodeUtf8 } from '../checkpoint/source.ts';
import { parseJsonObject } from '../checkpoint/strictJson.ts';
import type { PartCache } from './partCache.ts';

/** Small enough that little is lost at a break, large enough that a model is some hundred entries. */
export const PART_BYTES: number = 4 * 2 ** 20;

export interface FileRecord {
  /** As it was asked for: `tiny`, an address. */
  readonly model: string;
  /** Address of the folder. */
  readonly place: string;
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** What the server calls these bytes (their etag), where it does. */
  readonly version: string | undefined;
  /** SHA-256 of each part that is here. */
  readonly parts: readonly (string | undefined)[];
  /** All parts are here, and their hash is the one that the server told, if it told one. */
  readonly isWhole: boolean;
  /** SHA-256 of all of it, if the host told it. */
  readonly hash?: string | undefined;
}

/** The folder has no such file. */
export interface AbsentRecord {
  readonly model: string;
  readonly place: string;
  readonly file: string;
  readonly isAbsent: true;
}

export type AnyRecord = FileRecord | AbsentRecord;

const RECORD = '/record';
const FORM = 1;

/** Of a file; what is kept of it has keys that begin with this. */
export function fileKey(place: string, file: string): string {
  return `${placeKey(place)}${file}`;
}

/** What all keys of a model begin with. */
export function placeKey(place: string): string {
  return `${encodeURIComponent(place)}/`;
}

export function isRecordKey(key: string): boolean {
  return key.endsWith(RECORD);
}

/** How many parts a file of so many bytes has. */
export function partCount(size: number): number {
  return Math.ceil(size / PART_BYTES);
}

/** Bytes of one part. */
export function partLength(size: number, index: number): number {
  return Math.min(PART_BYTES, size - index * PART_BYTES);
}

/** Bytes of it that are here. */
export function bytesHere({ size, parts }: FileRecord): number {
  return parts.reduce((sum, hash, index) => sum + (hash === undefined ? 0 : partLength(size, index)), 0);
}

export async function writeRecord(cache: PartCache, record: AnyRecord): Promise<void> {
  const parts = 'parts' in record ? { parts: record.parts.map((hash) => hash ?? null) } : {};
  const text = JSON.stringify({ form: FORM, ...record, ...parts });
  await cache.put(`${fileKey(record.place, record.file)}${RECORD}`, new TextEncoder().encode(text));
}

/** undefined if there is none, or none that can be read. */
export async function readRecord(cache: PartCache, key: string): Promise<AnyRecord | undefined> {
  try {
    const bytes = await cache.get(isRecordKey(key) ? key : `${key}${RECORD}`);
    return bytes && parse(key, bytes);
  } catch {
    return undefined; // as if it were not here: the file is fetched again
  }
}

function parse(key: string, bytes: Uint8Array): AnyRecord | undefined {
  const { form, model, place, file, size, version, parts, isWhole, hash, isAbsent } = parseJsonObject(
    key,
    decodeUtf8(key, bytes),
  );
  if (form !== FORM || typeof model !== 'string' || typeof place !== 'string' || typeof file !== 'string')
    return undefined;
  if (isAbsent === true) return { model, place, file, isAbsent };
  if (typeof size !== 'number' || !Array.isArray(parts) || parts.length !== partCount(size)) return undefined;
  return {
    model,
    place,
    file,
    size,
    version: typeof version === 'string' ? version : undefined,
    parts: parts.map((hash) => (typeof hash === 'string' ? hash : undefined)),
    isWhole: isWhole === true,
    hash: typeof hash === 'string' ? hash : undefined,
  };
}

/** Forgets a file and its parts. */
export async function removeAll(cache: PartCache, prefix: string): Promise<void> {
  const keys = (await cache.keys()).filter((key) => key.startsWith(prefix));
  // The records first: parts without one are nothing.
  keys.sort((a, b) => Number(isRecordKey(b)) - Number(isRecordKey(a)));
  for (const key of keys) await cache.delete(key);
}
