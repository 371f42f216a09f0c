/**
 * Half-made models of processes that were killed: `NAME.partial-UUID` beside the model's folder. Whoever makes a model holds
 * `NAME.lock`, so those without a held lock belong to nobody.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isHeld } from './lock.ts';

const PARTIAL = /^(.+)\.partial-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A folder to make the model of `place` in. */
export function partialFolder(place: string): string {
  return `${place}.partial-${randomUUID()}`;
}

/** Removes what was left of `place`, whose lock the caller holds. */
export async function removeLeftovers(place: string): Promise<void> {
  for (const { name, of } of await listPartials(dirname(place))) if (of === basename(place)) await remove(place, name);
}

/** Removes what was left of any model in the cache, unless a process is making it. */
export async function sweepCache(cacheDir: string): Promise<void> {
  for (const { name, of } of await listPartials(cacheDir)) {
    if (!(await isHeld(join(cacheDir, `${of}.lock`)))) await remove(join(cacheDir, of), name);
  }
}

async function listPartials(folder: string): Promise<readonly { readonly name: string; readonly of: string }[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => {
    const of = PARTIAL.exec(name)?.[1];
    return of === undefined ? [] : [{ name, of }];
  });
}

async function remove(place: string, name: string): Promise<void> {
  await rm(join(dirname(place), name), { recursive: true, force: true }).catch(() => {}); // tried again the next time
}
