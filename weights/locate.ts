/**
 * From `--model NAME|DIR` to a folder that can be opened. Searched in this order: a folder; the cache; an installed npm
 * package `sts-whisper-NAME`, which is converted into the cache once; the Hugging Face hub.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WeightsError } from '../src/base/errors.ts';
import type { CallOptions } from '../src/base/progress.ts';
import { makeModel } from './convert.ts';
import { fileError } from './folders.ts';
import { fetchModel, type HubOptions } from './hub.ts';
import { sweepCache } from './leftovers.ts';
import { withLock } from './lock.ts';
import { findModel, type ModelFolder } from './modelFolder.ts';
import type { CacheOptions } from './options.ts';

export interface LocateOptions extends CacheOptions, CallOptions {
  /** Milliseconds without a byte from the hub after which a request fails. */
  readonly stallMs?: number | undefined;
}

/** Repositories on the hub by openai/whisper's names. */
const PUBLISHED: Readonly<Record<string, string>> = {
  tiny: 'openai/whisper-tiny',
  'tiny.en': 'openai/whisper-tiny.en',
  base: 'openai/whisper-base',
  'base.en': 'openai/whisper-base.en',
  small: 'openai/whisper-small',
  'small.en': 'openai/whisper-small.en',
  medium: 'openai/whisper-medium',
  'medium.en': 'openai/whisper-medium.en',
  'large-v1': 'openai/whisper-large',
  'large-v2': 'openai/whisper-large-v2',
  'large-v3': 'openai/whisper-large-v3',
  'large-v3-turbo': 'openai/whisper-large-v3-turbo',
  'distil-small.en': 'distil-whisper/distil-small.en',
  'distil-medium.en': 'distil-whisper/distil-medium.en',
  'distil-large-v2': 'distil-whisper/distil-large-v2',
  'distil-large-v3': 'distil-whisper/distil-large-v3',
  'distil-large-v3.5': 'distil-whisper/distil-large-v3.5',
};
/** As in openai/whisper, `large` is the newest one. */
const ALIASES: Readonly<Record<string, string>> = { large: 'large-v3', turbo: 'large-v3-turbo' };

/** Names that `locateModel` accepts, for messages and help. */
const MODEL_NAMES: readonly string[] = [...Object.keys(PUBLISHED), ...Object.keys(ALIASES)];

/**
 * @returns a folder for `openModelFiles(openFolder(folder))`
 * @throws {WeightsError} `unknownModel`, `notFound`, `network` and what downloading and converting throw; the hint lists
 *   where it was searched. The signal's reason when aborted.
 */
export async function locateModel(nameOrDir: string, options: LocateOptions = {}): Promise<string> {
  const { cacheDir = defaultCache() } = options;
  const tried: string[] = [];

  const folder = resolve(nameOrDir);
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) {
    const model = await findModel(folder);
    // A folder that happens to have a model's name must be a model itself, not contain one somewhere.
    const found = model && (/[/\\]/.test(nameOrDir) || model.path === folder) ? model : undefined;
    if (found?.kind === 'tensors') return found.path;
    if (found) {
      const place = join(cacheDir, await folderKey(found.path));
      return once(place, options, () => makeModel(found, place, options));
    }
    tried.push(`the folder ${folder} has no model`);
  } else {
    tried.push(`no folder ${folder}`);
  }

  const { name, repo } = resolveName(nameOrDir, tried);
  const place = join(cacheDir, name?.replaceAll('/', '--') ?? repo.replace('/', '--'));
  if (await isModel(place)) return place;
  tried.push(`not in the cache ${cacheDir}`);

  if (name) {
    const packageName = `sts-whisper-${name}`;
    const installed = await findPackage(packageName);
    if (installed) return once(place, options, () => makeModel(installed, place, options));
    tried.push(`npm package ${packageName} not installed`);
  }

  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  const hub: HubOptions = { ...options, endpoint: HF_ENDPOINT || undefined, token: HF_TOKEN || undefined };
  try {
    return await once(place, options, () => fetchModel(repo, place, hub));
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    tried.push(`${repo} cannot be downloaded from ${hub.endpoint ?? 'huggingface.co'}`);
    throw new WeightsError(error.code, error.message, {
      cause: error,
      hint: `${error.hint ? `${error.hint} ` : ''}Searched: ${tried.join('; ')}.`,
    });
  }
}

/** `$SOTTO_CACHE`, else `sotto` in the user's cache folder, which depends on the system. */
export function defaultCache(): string {
  const { SOTTO_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (SOTTO_CACHE) return resolve(SOTTO_CACHE);
  if (process.platform === 'win32') return join(LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'sotto', 'cache');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'sotto');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'sotto');
}

/** `tiny`, `whisper-tiny`, `openai/whisper-tiny` and `turbo` are published names; any `owner/repo` is accepted. */
function resolveName(given: string, tried: readonly string[]): { readonly name?: string; readonly repo: string } {
  const plain = given.replace(/^whisper-/, '');
  const name = Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : plain;
  if (name !== undefined && Object.hasOwn(PUBLISHED, name)) return { name, repo: PUBLISHED[name]! };
  const published = Object.entries(PUBLISHED).find(([, repo]) => repo === given);
  if (published) return { name: published[0], repo: published[1] };
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(given)) return { repo: given };
  throw new WeightsError('unknownModel', `There is no model ${JSON.stringify(given)}.`, {
    hint: `Give a folder, owner/repo on the Hugging Face hub, or one of ${MODEL_NAMES.join(', ')}. Searched: ${tried.join('; ')}.`,
  });
}

async function isModel(place: string): Promise<boolean> {
  const found = await findModel(place);
  return found?.kind === 'tensors' && found.path === place;
}

/** Makes the model at `place`, unless it exists or another process is making it, which is then waited for. */
async function once(place: string, { signal, onWarning }: CallOptions, make: () => Promise<void>): Promise<string> {
  if (await isModel(place)) return place;
  await sweepCache(dirname(place));
  try {
    await withLock(
      `${place}.lock`,
      signal,
      async () => {
        if (!(await isModel(place))) await make();
      },
      () => onWarning?.({ code: 'waiting', message: `Another process is putting the model into ${place}: waiting.` }),
    );
  } catch (error) {
    throw fileError(error, place);
  }
  return place;
}

/** Folder of an installed package, as resolved from the running program, the working folder, or sotto itself. */
async function findPackage(name: string): Promise<ModelFolder | undefined> {
  const from = [process.argv[1], join(process.cwd(), 'any.js'), fileURLToPath(import.meta.url)];
  for (const file of from) {
    if (file === undefined) continue;
    try {
      const found = await findModel(dirname(createRequire(resolve(file)).resolve(`${name}/package.json`)));
      if (found) return found;
    } catch {
      // Not installed there: the next folder may have it.
    }
  }
  return undefined;
}

/** A name for the converted form of an ONNX folder, different when its files change. */
async function folderKey(path: string): Promise<string> {
  const hash = createHash('sha256').update(path);
  for (const folder of [path, join(path, 'onnx')]) {
    for (const file of (await readdir(folder).catch(() => [])).sort()) {
      const { size, mtimeMs } = await stat(join(folder, file));
      hash.update(`${file} ${size} ${mtimeMs}\n`);
    }
  }
  return `folder-${hash.digest('hex').slice(0, 16)}`;
}
