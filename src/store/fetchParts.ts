/** Fetches the parts of a file that are not here, several ranges at once, and keeps each as soon as it has come. */
import { WeightsError } from '../base/errors.ts';
import { type FetchOptions, sleep } from '../base/http.ts';
import { anySignal } from '../base/signals.ts';
import type { PartCache } from './partCache.ts';
import { bytesHere, type FileRecord, fileKey, PART_BYTES, partLength, writeRecord } from './record.ts';
import type { RemoteFile } from './remoteFile.ts';
import { sha256 } from './sha256.ts';

/** Of one request: 24 MB, as in `checkpoint/readAhead.ts`. */
const RUN_PARTS = 6;
const MAX_IN_FLIGHT = 3;
/** Attempts at a file that comes as a whole or not at all. */
const WHOLE_ATTEMPTS = 3;
/** Bytes between two reports. */
const REPORT_BYTES = 2 ** 18;

export interface FetchPartsOptions extends Pick<FetchOptions, 'signal' | 'pauseMs'> {
  /** Called with the bytes of the file that have come, with those that were here before. */
  readonly onBytes?: (done: number) => void;
}

/**
 * @param record is written again with every part that has come
 * @returns it with all parts
 * @throws {WeightsError} as the remote file; the signal's reason. What has come by then is kept.
 */
export async function fetchParts(
  cache: PartCache,
  remote: RemoteFile,
  record: FileRecord,
  { signal, pauseMs = 1000, onBytes }: FetchPartsOptions,
): Promise<FileRecord> {
  const { size } = record;
  const parts = [...record.parts];
  const key = fileKey(record.place, record.file);
  let done = bytesHere(record);
  let reported = -REPORT_BYTES;
  const advance = (bytes: number): void => {
    done += bytes;
    if (done - reported < REPORT_BYTES && done < size) return;
    reported = done;
    onBytes?.(Math.min(done, size));
  };
  advance(0);
  // One after another: a later record must not be overtaken by an earlier one.
  let writing = Promise.resolve();
  const keep = async (index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const hash = await sha256(bytes);
    await cache.put(`${key}/${index}`, bytes);
    parts[index] = hash;
    writing = writing.then(() => writeRecord(cache, { ...record, parts }));
    await writing;
  };
  const take = async (begin: number, end: number, until: AbortSignal): Promise<void> => {
    let pending = 0;
    const count = (bytes: number, index: number): void => {
      if (parts[index] !== undefined) return;
      pending += bytes;
      advance(bytes);
    };
    try {
      for await (const { index, bytes } of inParts(remote.pieces(begin, end, until), begin, size, count)) {
        if (parts[index] !== undefined) continue; // of a file that comes as a whole
        await keep(index, bytes);
        pending -= bytes.length;
      }
    } catch (error) {
      done -= pending;
      throw error;
    }
  };
  if (remote.hasRanges) {
    await inFlight(missingRuns(record), take, signal);
  } else {
    for (let attempt = 1; parts.includes(undefined); attempt++) {
      try {
        await take(0, size, signal ?? new AbortController().signal);
      } catch (error) {
        const isPassing = error instanceof WeightsError && (error.code === 'network' || error.code === 'truncated');
        if (!isPassing || attempt === WHOLE_ATTEMPTS) throw error;
        await sleep(attempt * pauseMs, signal);
      }
    }
  }
  return { ...record, parts };
}

interface Run {
  readonly begin: number;
  readonly end: number;
}

/** Neighbours among the parts that are not here, cut to the size of a request. */
function missingRuns({ size, parts }: FileRecord): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < parts.length; ) {
    let to = from;
    while (to < parts.length && to - from < RUN_PARTS && parts[to] === undefined) to++;
    if (to > from) runs.push({ begin: from * PART_BYTES, end: Math.min(size, to * PART_BYTES) });
    from = Math.max(to, from + 1);
  }
  return runs;
}

/** Several at once; the first that fails ends the others. */
async function inFlight(
  runs: Run[],
  take: (begin: number, end: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const own = new AbortController();
  const both = anySignal(signal, own.signal);
  const lane = async (): Promise<void> => {
    for (let run = runs.shift(); run; run = runs.shift()) await take(run.begin, run.end, both.signal);
  };
  const lanes = Array.from({ length: MAX_IN_FLIGHT }, () =>
    lane().catch((error: unknown) => {
      own.abort(error);
      throw error;
    }),
  );
  try {
    await Promise.all(lanes);
  } catch (error) {
    await Promise.allSettled(lanes);
    throw error;
  } finally {
    both.release();
  }
}

/**
 * Joins what comes to the parts of the file.
 *
 * @param begin where a part begins
 * @param onPiece called with bytes that have come, and the part that they are of
 */
async function* inParts(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  begin: number,
  size: number,
  onPiece: (bytes: number, index: number) => void,
): AsyncGenerator<{ readonly index: number; readonly bytes: Uint8Array<ArrayBuffer> }, void, undefined> {
  let index = begin / PART_BYTES;
  let part = new Uint8Array(Math.max(0, partLength(size, index)));
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + part.length - filled);
      part.set(taken, filled);
      at += taken.length;
      filled += taken.length;
      onPiece(taken.length, index);
      if (filled < part.length) continue;
      yield { index, bytes: part };
      index++;
      part = new Uint8Array(Math.max(0, partLength(size, index)));
      filled = 0;
    }
  }
}
