/**
 * Converts any source of weights to a folder in Hugging Face's layout: `model.safetensors` with the tensors in the order of
 * first use, the JSON files unchanged, and `sotto.msgpack` (src/checkpoint/jsonCache.ts). One tensor is in memory at a time.
 * The folder is written under another name and renamed when it is complete, so an incomplete one is never visible.
 */
import { open, readdir, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import type { CallOptions } from '../src/base/progress.ts';
import { CONFIG, GENERATION, TOKENIZER } from '../src/checkpoint/fileNames.ts';
import { readValues, scaleName, zeroName } from '../src/checkpoint/int8Tensors.ts';
import { JSON_CACHE } from '../src/checkpoint/jsonCache.ts';
import { checkTensors, readJsonFiles } from '../src/checkpoint/modelFiles.ts';
import { namedModel } from '../src/checkpoint/modelNames.ts';
import { type TensorToWrite, writeSafetensors } from '../src/checkpoint/safetensors.ts';
import { closeOnError, openTensorFiles } from '../src/checkpoint/tensorFiles.ts';
import type { TensorSet } from '../src/checkpoint/tensorSet.ts';
import { quantizeRows } from '../src/engine/int8.ts';
import { floatsOf, type TensorData } from '../src/model/tensorData.ts';
import { listTensors, storedAs, type TensorSpec } from '../src/model/tensorSpec.ts';
import { cacheOf } from './cache.ts';
import { isSameFile, openFolder, readSmallFile } from './fileSource.ts';
import { checkRoom, fileError, isFree, makeFolder } from './folders.ts';
import { partialFolder, removeLeftovers } from './leftovers.ts';
import { withLock } from './lock.ts';
import { findModel, type ModelFolder } from './modelFolder.ts';
import { openOnnxFiles } from './onnx.ts';
import { packJsonCache } from './packJsonCache.ts';

export interface ConvertOptions extends CallOptions {
  /** How weights are stored: `f32` (default), or `f16` at half the size, rounded to nearest even. */
  readonly dtype?: 'f32' | 'f16' | 'int8' | undefined;
  /** Added to the weights file's `__metadata__`; source and licence are looked up where possible. */
  readonly notes?: Readonly<Record<string, string>> | undefined;
}

/** Files that sotto does not read, but other tools do. */
export const EXTRA_FILES = [
  'preprocessor_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'normalizer.json',
];
const COPIED = [CONFIG, GENERATION, TOKENIZER, ...EXTRA_FILES];
const WEIGHTS = 'model.safetensors';

/**
 * @param source folder with safetensors (one file or shards) or a transformers.js export (`onnx/`), or a folder above one; or
 *   the name of a model that has been fetched
 * @param target folder to write; must be empty, not exist, or hold just what is to be written
 * @throws {WeightsError} `notFound`, `exists`, `file`, `noSpace`, and what reading the source throws; the signal's reason when
 *   aborted. After an error nothing is left behind.
 */
export async function convert(source: string, target: string, options: ConvertOptions = {}): Promise<void> {
  const { signal, onWarning } = options;
  signal?.throwIfAborted();
  const model = (await findModel(source)) ?? (await findKept(source));
  if (!model) {
    const named = namedModel(source);
    throw new WeightsError('notFound', `${source} contains no Whisper model.`, {
      hint:
        named && !/^[./]/.test(source)
          ? `If the name of a model is meant: sotto fetch ${source}`
          : 'A model folder has config.json and model.safetensors, or onnx/encoder_model.onnx and decoder_model_merged.onnx.',
    });
  }
  const place = resolve(target);
  if (await isSameFolder(model.path, place)) {
    throw new WeightsError('exists', `${target} is the model to convert itself.`, { hint: 'Choose another folder.' });
  }
  let made: readonly string[] = [];
  try {
    await checkFree(place, model);
    made = await makeFolder(dirname(place));
    const onWait = (): void => onWarning?.({ code: 'waiting', message: `Another process writes ${target}: waiting.` });
    await withLock(`${place}.lock`, signal, () => makeModel(model, place, options), onWait);
  } catch (error) {
    for (const folder of made.toReversed()) await rmdir(folder).catch(() => {}); // kept if something else is in it now
    throw fileError(error, target);
  }
}

/** The model of a name, if it has been fetched. */
async function findKept(source: string): Promise<ModelFolder | undefined> {
  const named = namedModel(source);
  return named && findModel(join(cacheOf({}), named.name));
}

/**
 * Writes the model's folder under another name, then gives it its own.
 *
 * @param place its lock is held, or nobody else knows of it
 */
export async function makeModel(model: ModelFolder, place: string, options: ConvertOptions): Promise<void> {
  const { signal } = options;
  await removeLeftovers(place);
  await checkFree(place, model);
  const partial = partialFolder(place);
  try {
    await makeFolder(partial);
    await writeModel(model, partial, options);
    signal?.throwIfAborted();
    await rmdir(place).catch(() => {}); // an empty folder, which some systems do not rename over
    await rename(partial, place).catch(async (error: unknown) => {
      // Somebody was quicker, and wrote the same.
      if (!(await isSameContent(partial, place))) throw (await isFree(place)) ? error : alreadyThere(place);
      await rm(partial, { recursive: true, force: true });
    });
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {}); // the first error is the one to report
    throw error;
  }
}

/**
 * Looks at the place before any work is done.
 *
 * @param model what is to be written there: a folder that may hold just that is free too, and is compared when all is written
 * @throws {WeightsError} `exists` if something else is there; the system's error where no folder can be
 */
export async function checkFree(place: string, model?: ModelFolder): Promise<void> {
  if (await isFree(place)) return;
  if (model && (await mayHold(place, model))) return;
  throw alreadyThere(place);
}

function alreadyThere(place: string): WeightsError {
  return new WeightsError('exists', `${place} already exists.`, {
    hint: 'Choose another folder, or remove this one.',
  });
}

/** May an earlier conversion of this model have written the folder? As far as its JSON files tell. */
async function mayHold(place: string, model: ModelFolder): Promise<boolean> {
  const names: readonly string[] = await readdir(place).catch(() => []);
  const written: ReadonlySet<string> = new Set([...COPIED, WEIGHTS, JSON_CACHE]);
  if (!names.includes(WEIGHTS) || names.some((name) => !written.has(name))) return false;
  for (const name of COPIED) if (!(await isSameFile(join(place, name), join(model.path, name)))) return false;
  return true;
}

async function isSameContent(a: string, b: string): Promise<boolean> {
  const names = await readdir(a);
  if (String(names.sort()) !== String((await readdir(b).catch(() => [])).sort())) return false;
  for (const name of names) if (!(await isSameFile(join(a, name), join(b, name)))) return false;
  return true;
}

async function isSameFolder(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)));
  return one !== undefined && one === other;
}

async function writeModel(model: ModelFolder, folder: string, options: ConvertOptions): Promise<void> {
  const { signal, dtype = 'f32' } = options;
  const open = openFolder(model.path);
  const json = await readJsonFiles(open, options);
  const set = await openSet(model, signal);
  await closeOnError([set], async () => {
    const nameInSet = checkTensors(set, json.config.dims);
    const tensors = Array.from(listTensors(json.config.dims)).flatMap((spec): readonly TensorToWrite[] => {
      const { name, shape } = spec;
      const data = (): Promise<TensorData> => readValues(set, nameInSet(name), spec, signal);
      if (dtype === 'f16') return [{ name, shape, dtype: 'F16', data }];
      return storedAs(spec, dtype) === 'int8' ? int8Tensors(spec, data) : [{ name, shape, dtype: 'F32', data }];
    });
    await checkRoom(
      folder,
      tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
    );
    // Hugging Face's Python library requires `format` in a file that PyTorch is to load.
    const notes = { format: 'pt', ...set.metadata, ...(await findNotes(model)), ...options.notes };
    await writeTensors(join(folder, WEIGHTS), tensors, notes, options);
  });
  await set.close();
  for (const file of COPIED) {
    const bytes = await readSmallFile(join(model.path, file));
    if (bytes) await writeFile(join(folder, file), bytes);
  }
  await writeFile(join(folder, JSON_CACHE), packJsonCache(json));
}

/** The integers and, after them, their scales and zero points, which are found when the integers are written. */
function int8Tensors({ name, shape }: TensorSpec, data: () => Promise<TensorData>): readonly TensorToWrite[] {
  const [rows = 1] = shape;
  let scales = new Float32Array(rows);
  let zeros = new Int8Array(rows);
  const integers = async (): Promise<TensorData> => {
    const found = quantizeRows(floatsOf(await data()), rows);
    ({ scales, zeros } = found);
    return { dtype: 'int8', values: found.integers };
  };
  return [
    { name, shape, dtype: 'I8', data: integers },
    { name: scaleName(name), shape: [rows], dtype: 'F32', data: async () => ({ dtype: 'f32', values: scales }) },
    { name: zeroName(name), shape: [rows], dtype: 'I8', data: async () => ({ dtype: 'int8', values: zeros }) },
  ];
}

async function openSet(model: ModelFolder, signal: AbortSignal | undefined): Promise<TensorSet> {
  const set =
    model.kind === 'tensors'
      ? await openTensorFiles(openFolder(model.path), signal)
      : ((await openOnnxFiles(openFolder(join(model.path, 'onnx')), signal)) ??
        (await openOnnxFiles(openFolder(model.path), signal)));
  if (set) return set;
  throw new WeightsError(
    'missingFile',
    `${model.path} has an encoder but no decoder_model_merged with the same suffix.`,
  );
}

async function writeTensors(
  path: string,
  tensors: readonly TensorToWrite[],
  notes: Readonly<Record<string, string>>,
  { signal, onProgress }: ConvertOptions,
): Promise<void> {
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const handle = await open(path, 'wx');
  try {
    let done = 0;
    let next = -1; // the header is first
    for await (const part of writeSafetensors(tensors, notes)) {
      signal?.throwIfAborted();
      for (let at = 0; at < part.length; ) at += (await handle.write(part, at)).bytesWritten;
      const name = tensors[next++]?.name;
      if (name === undefined) continue;
      done += part.length;
      onProgress?.({ stage: 'convert', done, total, unit: 'bytes', item: name });
    }
  } finally {
    await handle.close();
  }
}

function tensorBytes({ shape, dtype }: TensorToWrite): number {
  return shape.reduce((product, n) => product * n, { F32: 4, F16: 2, I8: 1 }[dtype]);
}

/** Source and licence of a model, from the package around it or from its card. */
async function findNotes(model: ModelFolder): Promise<Record<string, string>> {
  const card = (await readTextOf(join(model.path, 'README.md'))) ?? '';
  // Its front matter, between two lines of dashes.
  const front = card.startsWith('---\n') ? card.slice(4, card.indexOf('\n---', 4)) : '';
  const licence = /^license: *([\w.-]+)/m.exec(front)?.[1];
  if (licence) return { source: basename(model.path), licence };
  for (let folder = model.path, up = 0; up <= 5; folder = dirname(folder), up++) {
    const text = await readTextOf(join(folder, 'package.json'));
    if (text === undefined) continue;
    let manifest: { name?: unknown; version?: unknown; license?: unknown };
    try {
      manifest = JSON.parse(text) ?? {};
    } catch {
      break; // metadata is not worth an error
    }
    // An unrelated project that contains the folder says nothing about the model.
    if (!/whisper/i.test(String(manifest.name))) break;
    return {
      source: `${manifest.name}@${manifest.version} (npm)`,
      ...(typeof manifest.license === 'string' && { licence: manifest.license }),
    };
  }
  return { source: basename(model.path) };
}

/** Metadata is not worth an error: undefined for whatever cannot be read. */
async function readTextOf(path: string): Promise<string | undefined> {
  const bytes = await readSmallFile(path).catch(() => undefined);
  return bytes && new TextDecoder().decode(bytes);
}
