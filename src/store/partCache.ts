/**
 * Where parts of files are kept: the Cache API in pages (`webStore.ts`); memory for what it has no room for. A key is a path
 * without a slash at its start.
 */
export interface PartCache {
  /** undefined if there is none. */
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** @throws an error of the name `QuotaExceededError` if there is no room */
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): Promise<readonly string[]>;
  /** Bytes that may still be written, about; undefined where that is not known. */
  room(): Promise<number | undefined>;
  /**
   * What an action gives that nobody does at the same time under the same name, in any page of this origin.
   * @throws the signal's reason while it waits
   */
  alone<T>(name: string, signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T>;
}

/**
 * A cache whose room may end: from then on parts are held in memory, and those that are there already are still read.
 *
 * @param onFull called once
 */
export function spilling(cache: PartCache, onFull: () => void): PartCache & { spill(): void; hasSpilled(): boolean } {
  const held = new Map<string, Blob>();
  let isFull = false;
  const spill = (): void => {
    if (!isFull) onFull();
    isFull = true;
  };
  return {
    spill,
    hasSpilled: () => isFull,
    async get(key) {
      const blob = held.get(key);
      return blob ? new Uint8Array(await blob.arrayBuffer()) : cache.get(key);
    },
    async put(key, bytes) {
      try {
        if (!isFull) return await cache.put(key, bytes);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'QuotaExceededError') throw error;
        spill();
      }
      // A Blob: browsers may put it on disk.
      held.set(key, new Blob([bytes]));
    },
    async delete(key) {
      held.delete(key);
      await cache.delete(key);
    },
    keys: () => cache.keys(),
    room: () => cache.room(),
    alone: (...request) => cache.alone(...request),
  };
}
