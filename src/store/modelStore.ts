/**
 * Models that are kept on the machine, for pages: each file is fetched once, goes on where it stopped, is checked, and is then
 * read without a network. What there is no room for is loaded all the same, and not kept.
 */
import type { FetchOptions } from '../base/http.ts';
import type { CallOptions } from '../base/progress.ts';
import { pagePlace } from '../checkpoint/pageModel.ts';
import type { OpenSource, WeightSource } from '../checkpoint/source.ts';
import { folderAddress } from '../checkpoint/urlSource.ts';
import { hubHashes } from './hubHashes.ts';
import { keepFile, mendPart, soundPart } from './keptFile.ts';
import { keptSource } from './keptSource.ts';
import { type PartCache, spilling } from './partCache.ts';
import {
  bytesHere,
  type FileRecord,
  fileKey,
  isRecordKey,
  placeKey,
  readRecord,
  removeAll,
  writeRecord,
} from './record.ts';
import { hasChanged, isWeights } from './remoteFile.ts';

/** A model of which something is on the machine. */
export interface KeptModel {
  /** As it was asked for: `tiny`, an address. */
  readonly model: string;
  /** Address of the folder that its files come from, which tells models apart. */
  readonly place: string;
  /** Bytes that are here, and of all its files that are known. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** It is loaded without a network. */
  readonly isWhole: boolean;
}

export interface ModelStore {
  /**
   * The files of a model, each fetched when it is first opened and kept.
   *
   * @param model a name or an address, as `load` takes it
   * @param options.onProgress called with stage `fetch` and bytes; `onWarning` with `notKept` if there is no room
   * @throws {WeightsError} `unknownModel`, `network` for an address with a user in it
   */
  open(model: string, options?: StoreOptions): OpenSource;
  list(): Promise<readonly KeptModel[]>;
  /** @param place of a model in the list */
  remove(place: string): Promise<void>;
}

export interface StoreOptions extends CallOptions, Pick<FetchOptions, 'fetch' | 'stallMs' | 'pauseMs'> {
  /** Address of the folder that has models by name, as `load` takes it. */
  readonly host?: string | undefined;
}

/**
 * @param base what an address is relative to
 * @param fetch where a call gives none
 */
export function createModelStore(
  cache: PartCache,
  base: string | undefined,
  fetch?: FetchOptions['fetch'],
): ModelStore {
  return {
    open: (model, options = {}) => openKept(cache, model, base, { fetch, ...options }),
    async list() {
      const keys = (await cache.keys()).filter(isRecordKey);
      const records = await Promise.all(keys.map((key) => readRecord(cache, key)));
      const places = new Map<string, FileRecord[]>();
      for (const record of records) {
        if (record && !('isAbsent' in record)) places.set(record.place, [...(places.get(record.place) ?? []), record]);
      }
      return [...places.values()].map(summary).sort((a, b) => a.model.localeCompare(b.model));
    },
    remove: (place) => removeAll(cache, placeKey(place)),
  };
}

function summary(files: readonly FileRecord[]): KeptModel {
  const { model, place } = files[0]!; // there is one
  return {
    model,
    place,
    bytes: files.reduce((sum, record) => sum + bytesHere(record), 0),
    totalBytes: files.reduce((sum, { size }) => sum + size, 0),
    isWhole: files.every(({ isWhole }) => isWhole) && files.some(({ file }) => isWeights(file)),
  };
}

function openKept(given: PartCache, model: string, base: string | undefined, options: StoreOptions): OpenSource {
  const { address, repo } = pagePlace(model, base, options.host);
  const place = folderAddress(address);
  const { onProgress, onWarning, signal: ownSignal, fetch, stallMs, pauseMs } = options;
  const cache = spilling(given, () =>
    onWarning?.({
      code: 'notKept',
      message: `There is no room on this machine to keep ${model}: it is used, and fetched again the next time.`,
    }),
  );
  let hashes: Promise<ReadonlyMap<string, string>> | undefined;
  /** Said by the server, and kept when the rest of the model is here. */
  const absent: string[] = [];

  /**
   * What is here is used, whatever the hub says: an answer that is late, wrong or hostile costs a sentence at most. And hundreds of
   * megabytes are not fetched for somebody who did not ask for them.
   */
  const tellOther = async (of: string, { file, hash }: FileRecord, http: FetchOptions): Promise<void> => {
    const now = (await hubHashes(of, http).catch(() => undefined))?.get(file); // aborted: nobody wants to know
    if (now === undefined || hash === undefined || now === hash) return;
    onWarning?.({
      code: 'modelChanged',
      message: `The hub has another ${model} than the one that is kept on this machine and used. Delete that, and the other one is fetched.`,
    });
  };

  const open = async (file: string, signal = ownSignal): Promise<WeightSource | undefined> => {
    const http: FetchOptions = { signal, fetch, stallMs, pauseMs };
    const key = fileKey(place, file);
    /** What can be used as it is. */
    const here = async (): Promise<FileRecord | 'absent' | undefined> => {
      const record = await readRecord(cache, key);
      if (record && 'isAbsent' in record) return 'absent';
      // What a name of the hub stands for hardly changes: `tellOther` looks, and nobody waits for it.
      const isStale = async (of: FileRecord): Promise<boolean> =>
        repo === undefined && (await hasChanged(of, new URL(file, place).href, http));
      return record?.isWhole && !(await isStale(record)) ? record : undefined;
    };
    const fetchRest = async (): Promise<FileRecord | 'absent'> => {
      const found = await here(); // another page may have fetched it
      if (found) return found;
      const before = await readRecord(cache, key);
      const request = {
        model,
        place,
        file,
        http,
        told: async (name: string) => {
          if (repo === undefined || !isWeights(name)) return undefined;
          hashes ??= hubHashes(repo, http);
          return (await hashes).get(name);
        },
        onBytes: (done: number, total: number) =>
          onProgress?.({ stage: 'fetch', done, total, unit: 'bytes', item: file }),
        beforeFetch: async (bytes: number) => {
          if (((await cache.room()) ?? Number.POSITIVE_INFINITY) < bytes) cache.spill();
        },
      };
      const usable = before && !('isAbsent' in before) ? before : undefined;
      return (await keepFile(cache, request, usable)) ?? 'absent';
    };
    const kept = await here();
    const record = kept ?? (await cache.alone(key, signal, fetchRest));
    if (record === 'absent') {
      absent.push(file);
      return undefined;
    }
    if (isWeights(file) && !cache.hasSpilled())
      for (const name of absent.splice(0)) await writeRecord(cache, { model, place, file: name, isAbsent: true });
    if (repo !== undefined && kept && kept !== 'absent' && isWeights(file)) void tellOther(repo, kept, http);
    const checked = new Set<number>();
    const part = async (index: number): Promise<Uint8Array<ArrayBuffer>> => {
      const bytes = checked.has(index)
        ? await cache.get(`${key}/${index}`).catch(() => undefined)
        : await soundPart(cache, record, index);
      checked.add(index);
      return bytes ?? cache.alone(key, signal, () => mendPart(cache, record, index, http));
    };
    const forget = async (): Promise<void> => {
      if (cache.hasSpilled()) await removeAll(given, `${key}/`);
    };
    return keptSource(new URL(file, place).href, record, part, forget);
  };
  return Object.assign(open, { place });
}
