/** The place of parts in memory, as a page's cache behaves, and with less room if a test wants that. */
import { untilAborted } from '../../src/base/signals.ts';
import type { PartCache } from '../../src/store/partCache.ts';

export interface MemoryCache extends PartCache {
  readonly entries: Map<string, Uint8Array<ArrayBuffer>>;
  /** Bytes; what `put` goes by. */
  limit: number;
  /** What `room` says; undefined for a browser that does not say it. */
  said: number | undefined;
}

export function memoryCache(): MemoryCache {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  const turns = new Map<string, Promise<unknown>>();
  const cache: MemoryCache = {
    entries,
    limit: Number.POSITIVE_INFINITY,
    said: undefined,
    get: async (key) => entries.get(key)?.slice(),
    async put(key, bytes) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const used = [...entries.values()].reduce((sum, { length }) => sum + length, 0);
      if (used + bytes.length > cache.limit) throw new DOMException('no room', 'QuotaExceededError');
      entries.set(key, bytes.slice());
    },
    delete: async (key) => void entries.delete(key),
    keys: async () => [...entries.keys()],
    room: async () => cache.said,
    async alone(name, signal, action) {
      const before = turns.get(name) ?? Promise.resolve();
      const turn = untilAborted(before, signal).then(action);
      turns.set(
        name,
        turn.catch(() => {}),
      );
      return turn;
    },
  };
  return cache;
}
