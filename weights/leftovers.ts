/**
 * Half-made models of processes that were killed: `NAME.partial-UUID` beside the model's folder. Whoever makes a model holds
 * `NAME.lock`, so those without a held lock belong to nobody.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isHeld } from './lock.ts';

const PARTIAL = /^(.+)\.partial-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Bytes of a name that leave room for the suffix in what file systems take. */
const MAX_NAME_BYTES = 200;

/** A folder to make the model of `place` in. */
export function partialFolder(place: string): string {
  return join(dirname(place), `${stemOf(basename(place))}.partial-${randomUUID()}`);
}

/** The name, or a short one in its stead. */
function stemOf(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

/** Removes what was left of `place`, whose lock the caller holds. */
export async function removeLeftovers(place: string): Promise<void> {
  for (const { name, of } of await listPartials(dirname(place)))
    if (of === stemOf(basename(place))) await remove(place, name);
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
