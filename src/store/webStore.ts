/** The Cache API as the place of parts, and the store of models in a page or one of its workers. */
import { OptionsError } from '../base/errors.ts';
import type { FetchOptions } from '../base/http.ts';
import type { CallOptions } from '../base/progress.ts';
import { openPageModel, pagePlace } from '../checkpoint/pageModel.ts';
import type { OpenSource } from '../checkpoint/source.ts';
import { createModelStore, type ModelStore } from './modelStore.ts';
import type { PartCache } from './partCache.ts';

/** What no other cache of the origin is called. */
const CACHE = 'sotto-models';
/** The Cache API wants addresses. Nothing is ever fetched from this one. */
const ADDRESS = 'https://models.sotto.invalid/';

/**
 * @returns undefined where a page can keep nothing: it is not secure (https or localhost), or storage is forbidden to it
 */
export async function webStore(): Promise<ModelStore | undefined> {
  if (typeof caches === 'undefined' || !globalThis.crypto?.subtle) return undefined;
  try {
    return createModelStore(partsIn(await caches.open(CACHE)), globalThis.location?.href, uncached);
  } catch {
    return undefined;
  }
}

/**
 * The files of a model for `load`.
 *
 * @param keep as it was given: JavaScript may give anything. When absent, models that have names are.
 * @param host as it was given
 * @throws {OptionsError} `type`; {WeightsError} as `openPageModel`
 */
export async function openWebModel(
  model: string,
  base: string | undefined,
  { keep, host: given, ...options }: CallOptions & { readonly keep?: unknown; readonly host?: unknown },
): Promise<OpenSource> {
  if (keep !== undefined && typeof keep !== 'boolean')
    throw new OptionsError('type', `keep is ${typeof keep}, not true or false.`);
  const host = typeof given === 'string' ? given : undefined;
  if (given !== undefined && host === undefined)
    throw new OptionsError('type', `host is ${typeof given}, not an address.`);
  const { repo } = pagePlace(model, base, host);
  const isNamed = repo !== undefined || host !== undefined;
  if (keep ?? isNamed) {
    const store = await webStore();
    if (store) return store.open(model, { ...options, host });
    options.onWarning?.({
      code: 'notKept',
      message: `This page may keep nothing on the machine: ${model} is not kept.`,
    });
  }
  return openPageModel(model, base, { signal: options.signal, host });
}

/**
 * Past the browser's own cache, which would have everything a second time, and in Chromium lets requests for one file wait for
 * each other and asks for ranges again.
 */
const uncached: NonNullable<FetchOptions['fetch']> = (url, init) => fetch(url, { ...init, cache: 'no-store' });

function partsIn(cache: Cache): PartCache {
  const addressOf = (key: string): string => `${ADDRESS}${key}`;
  return {
    async get(key) {
      const found = await cache.match(addressOf(key));
      return found && new Uint8Array(await found.arrayBuffer());
    },
    put: (key, bytes) => cache.put(addressOf(key), new Response(bytes)),
    async delete(key) {
      await cache.delete(addressOf(key));
    },
    keys: async () => (await cache.keys()).map(({ url }) => url.slice(ADDRESS.length)),
    async room() {
      const { quota, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
      return quota === undefined ? undefined : quota - usage;
    },
    async alone(name, signal, action) {
      if (!navigator.locks) return action();
      return navigator.locks.request(`${CACHE} ${name}`, { ...(signal && { signal }) }, async () => await action());
    },
  };
}
