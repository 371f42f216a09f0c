/**
 * Any source of weights to a folder as Hugging Face writes it: `model.safetensors` with the tensors in the order of first
 * use, the JSON files as they were, and `sotto.msgpack` (src/checkpoint/jsonCache.ts). One tensor is in memory at a time. The
 * folder is written beside its place and renamed when it is whole, so nobody ever sees half of one.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import type { CallOptions } from '../src/base/progress.ts';
import { JSON_CACHE } from '../src/checkpoint/jsonCache.ts';
import { CONFIG, checkTensors, GENERATION, readJsonFiles, TOKENIZER } from '../src/checkpoint/modelFiles.ts';
import { tensorShapes } from '../src/checkpoint/names.ts';
import { type TensorToWrite, writeSafetensors } from '../src/checkpoint/safetensors.ts';
import { closeOnError, openTensorFiles } from '../src/checkpoint/tensorFiles.ts';
import type { TensorSet } from '../src/checkpoint/tensorSet.ts';
import { openFolder } from './fileSource.ts';
import { findModel, type ModelFolder } from './modelFolder.ts';
import { openOnnxFiles } from './onnx.ts';
import { packJsonCache } from './packJsonCache.ts';

export interface ConvertOptions extends CallOptions {
  /** How weights are stored: `f32` (default), or `f16` at half the size, rounded to nearest even. */
  readonly dtype?: 'f32' | 'f16' | undefined;
  /** Goes into the weights file's `__metadata__`; source and licence are found where they can be. */
  readonly notes?: Readonly<Record<string, string>> | undefined;
}

/** Files that sotto does not read, but other tools that are given the folder do. */
const ALONG = ['preprocessor_config.json', 'tokenizer_config.json', 'special_tokens_map.json', 'normalizer.json'];

/**
 * @param source folder with safetensors (one file or sharded) or a transformers.js export (`onnx/`), or a folder around one
 * @param target folder to make; must not exist, or be empty
 * @throws {WeightsError} `notFound`, `exists`, `file`, and what reading the source throws; the signal's reason when aborted.
 *   Nothing is left behind then.
 */
export async function convert(source: string, target: string, options: ConvertOptions = {}): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const model = await findModel(source);
  if (!model) {
    throw new WeightsError('notFound', `${source} holds no Whisper model.`, {
      hint: 'A model folder has config.json and model.safetensors, or onnx/encoder_model.onnx and decoder_model_merged.onnx.',
    });
  }
  const place = resolve(target);
  await checkFree(place);
  const beside = `${place}.partial-${randomUUID()}`;
  try {
    await mkdir(beside, { recursive: true });
    await writeModel(model, beside, options);
    signal?.throwIfAborted();
    await rmdir(place).catch(() => {}); // an empty one, which some systems do not rename over
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { recursive: true, force: true }).catch(() => {}); // the first error is the one to tell
    throw fileError(error, target);
  }
}

/** @throws {WeightsError} `exists` unless `place` is free or an empty folder */
export async function checkFree(place: string): Promise<void> {
  const info = await stat(place).catch(() => undefined);
  if (!info || (info.isDirectory() && (await readdir(place)).length === 0)) return;
  throw new WeightsError('exists', `${place} exists already.`, { hint: 'Choose another folder, or remove this one.' });
}

async function writeModel(model: ModelFolder, folder: string, options: ConvertOptions): Promise<void> {
  const { signal, dtype = 'f32' } = options;
  const open = openFolder(model.path);
  const derived = await readJsonFiles(open, options);
  const set = await openSet(model, signal);
  await closeOnError([set], async () => {
    const shapes = tensorShapes(derived.config.dims);
    const nameInSet = checkTensors(set, shapes);
    const tensors = [...shapes].map(([name, shape]): TensorToWrite => {
      return { name, shape, dtype: dtype === 'f16' ? 'F16' : 'F32', values: () => set.read(nameInSet(name), signal) };
    });
    // `format` is what Hugging Face's Python library wants to see in a file that PyTorch may load.
    const notes = { format: 'pt', ...set.metadata, ...(await findNotes(model)), ...options.notes };
    await writeTensors(join(folder, 'model.safetensors'), tensors, notes, options);
  });
  await set.close();
  for (const file of [CONFIG, GENERATION, TOKENIZER, ...ALONG]) {
    await copyFile(join(model.path, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error; // the needed ones have been read above
    });
  }
  await writeFile(join(folder, JSON_CACHE), packJsonCache(derived));
}

async function openSet(model: ModelFolder, signal: AbortSignal | undefined): Promise<TensorSet> {
  const set =
    model.kind === 'tensors'
      ? await openTensorFiles(openFolder(model.path), signal)
      : ((await openOnnxFiles(openFolder(join(model.path, 'onnx')), signal)) ??
        (await openOnnxFiles(openFolder(model.path), signal)));
  if (set) return set;
  throw new WeightsError('missingFile', `${model.path} has an encoder but no decoder_model_merged of the same kind.`);
}

async function writeTensors(
  path: string,
  tensors: readonly TensorToWrite[],
  notes: Readonly<Record<string, string>>,
  { signal, onProgress, dtype }: ConvertOptions,
): Promise<void> {
  const elementBytes = dtype === 'f16' ? 2 : 4;
  const total = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, elementBytes), 0);
  const handle = await open(path, 'wx');
  try {
    let done = 0;
    let next = -1; // the header comes first
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

/** Source and licence of a model, from the package around it or from its card. */
async function findNotes(model: ModelFolder): Promise<Record<string, string>> {
  const card = await readFile(join(model.path, 'README.md'), 'utf8').catch(() => '');
  const licence = /^---\n[\s\S]*?^license: *([\w.-]+)/m.exec(card)?.[1];
  if (licence) return { source: basename(model.path), licence };
  for (let folder = model.path, up = 0; up <= 5; folder = dirname(folder), up++) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    let manifest: { name?: unknown; version?: unknown; license?: unknown };
    try {
      manifest = JSON.parse(text) ?? {};
    } catch {
      break; // a note is not worth an error
    }
    // A project that happens to lie around the model says nothing about it.
    if (!/whisper/i.test(String(manifest.name))) break;
    return {
      source: `${manifest.name}@${manifest.version} (npm)`,
      ...(typeof manifest.license === 'string' && { licence: manifest.license }),
    };
  }
  return { source: basename(model.path) };
}

/** Full disk, no permission and the like as a WeightsError; other errors as they are. */
export function fileError(error: unknown, target: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  return new WeightsError('file', `${target} cannot be written: ${error.message}.`, { cause: error });
}
