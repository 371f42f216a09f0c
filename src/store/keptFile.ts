/** One file of a model that is kept: fetched once, checked, read from its parts, and mended where they are damaged. */
import { WeightsError } from '../base/errors.ts';
import type { FetchOptions } from '../base/http.ts';
import { pauses } from '../base/yieldToEventLoop.ts';
import { fetchParts } from './fetchParts.ts';
import type { PartCache } from './partCache.ts';
import { bytesHere, type FileRecord, fileKey, partCount, removeAll, writeRecord } from './record.ts';
import { openRemoteFile, type RemoteFile } from './remoteFile.ts';
import { Sha256, sha256 } from './sha256.ts';

export interface FileRequest {
  /** As it was asked for: `tiny`, an address. */
  readonly model: string;
  /** Address of the folder, with a slash at its end. */
  readonly place: string;
  readonly file: string;
  readonly http: FetchOptions;
  /** The SHA-256 that the host tells, where it does. */
  readonly told: (file: string) => Promise<string | undefined>;
  readonly onBytes?: (done: number, total: number) => void;
  /** Called with the bytes that are to come, before any of them does. */
  readonly beforeFetch?: (bytes: number) => Promise<void>;
}

/**
 * Fetches what is not here of a file.
 *
 * @param found what is known of it from before
 * @returns undefined if there is no such file
 * @throws {WeightsError} `badHash` if the bytes twice are not those that the host tells; as the remote file; the signal's reason
 */
export async function keepFile(
  cache: PartCache,
  request: FileRequest,
  found: FileRecord | undefined,
): Promise<FileRecord | undefined> {
  const { place, file, http } = request;
  const remote = await openRemoteFile(place, file, http);
  if (!remote) return undefined;
  const told = (await request.told(file)) ?? hashIn(remote.version);
  let record = found && isSame(found, remote, told !== undefined) ? found : await begin(cache, request, remote);
  await request.beforeFetch?.(remote.size - bytesHere(record));
  for (let attempt = 1; ; attempt++) {
    record = await fetchParts(cache, remote, record, {
      ...http,
      onBytes: (done) => request.onBytes?.(done, remote.size),
    });
    const hash = told && (await wholeHash(cache, record, http.signal));
    if (hash === told) break;
    record = await begin(cache, request, remote);
    if (attempt < 2) continue;
    throw new WeightsError('badHash', `${remote.url} has the hash ${hash}, but its host announced ${told}.`, {
      hint: 'It was not kept: try again later.',
    });
  }
  const whole = { ...record, isWhole: true, hash: told };
  await writeRecord(cache, whole);
  return whole;
}

/** Some hosts name a file's version by its hash. */
function hashIn(version: string | undefined): string | undefined {
  return /^[0-9a-f]{64}$/.test(version ?? '') ? version : undefined;
}

/** Parts are only added to those that are certainly of the same file: a hash of the whole would tell if they were not. */
function isSame(found: FileRecord, remote: RemoteFile, isChecked: boolean): boolean {
  return found.size === remote.size && found.version === remote.version && (isChecked || found.version !== undefined);
}

async function begin(
  cache: PartCache,
  { model, place, file }: FileRequest,
  { size, version }: RemoteFile,
): Promise<FileRecord> {
  await removeAll(cache, `${fileKey(place, file)}/`);
  const parts = Array.from({ length: partCount(size) }, () => undefined);
  return { model, place, file, size, version, parts, isWhole: false };
}

/** Of all parts in order. */
async function wholeHash(
  cache: PartCache,
  record: FileRecord,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const hash = new Sha256();
  const pause = pauses();
  for (let index = 0; index < record.parts.length; index++) {
    const bytes = await cache.get(partKey(record, index));
    if (!bytes) return undefined;
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      hash.update(bytes.subarray(at, at + SLICE_BYTES));
      await pause();
      signal?.throwIfAborted();
    }
  }
  return hash.hex();
}

/** Some milliseconds of work. */
const SLICE_BYTES = 2 ** 19;

export function partKey({ place, file }: FileRecord, index: number): string {
  return `${fileKey(place, file)}/${index}`;
}

/** A part as it was kept; undefined if it is not here any more, or damaged. */
export async function soundPart(
  cache: PartCache,
  record: FileRecord,
  index: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = await cache.get(partKey(record, index)).catch(() => undefined);
  return bytes && (await sha256(bytes)) === record.parts[index] ? bytes : undefined;
}

/**
 * Fetches one part of a whole file again.
 *
 * @throws {WeightsError} `badHash` if it cannot be had as it was: then nothing is kept of the file; the signal's reason
 */
export async function mendPart(
  cache: PartCache,
  record: FileRecord,
  index: number,
  http: FetchOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { place, file, size, version } = record;
  const fail = (why: string, cause?: unknown): WeightsError =>
    new WeightsError('badHash', `${file} of ${place} is damaged on this machine, and ${why}.`, {
      cause,
      hint: 'Load the model again while there is a network: the file is then fetched anew.',
    });
  let remote: RemoteFile | undefined;
  try {
    remote = await openRemoteFile(place, file, http);
    if (remote && remote.size === size && remote.version === version) {
      const parts = record.parts.map((hash, at) => (at === index ? undefined : hash));
      const mended = await fetchParts(cache, remote, { ...record, parts }, http);
      await writeRecord(cache, record);
      const bytes = await soundPart(cache, record, index);
      if (bytes && mended.parts[index] === record.parts[index]) return bytes;
    }
  } catch (error) {
    http.signal?.throwIfAborted();
    throw fail('its host cannot be asked', error);
  }
  await removeAll(cache, `${fileKey(place, file)}/`);
  throw fail('its host does not have the same file any more');
}
