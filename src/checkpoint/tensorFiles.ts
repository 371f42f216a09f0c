/**
 * The tensors of a Hugging Face folder: `model.safetensors`, or several files that `model.safetensors.index.json` lists:
 *
 *     { "metadata": { "total_size": 6174000000 }, "weight_map": { "model.encoder.conv1.weight": "model-00001-of-00002.safetensors", ... } }
 */
import { WeightsError } from '../base/errors.ts';
import { openSafetensors } from './safetensors.ts';
import { type OpenSource, readText, type WeightSource } from './source.ts';
import { isObject, parseJsonObject } from './strictJson.ts';
import type { TensorSet } from './tensorSet.ts';

const MAX_INDEX_BYTES = 2 ** 22;
export const INDEX = 'model.safetensors.index.json';

/**
 * @returns undefined if there is neither file
 * @throws {WeightsError} `badIndex`, `missingFile`, `missingTensor`, and what a safetensors header throws
 */
export async function openTensorFiles(open: OpenSource, signal?: AbortSignal): Promise<TensorSet | undefined> {
  const single = await open('model.safetensors', signal);
  if (single) return closeOnError([single], () => openSafetensors(single, signal));
  const index = await open(INDEX, signal);
  if (!index) return undefined;
  const files = await closeOnError([index], () => readIndex(index, signal));
  await index.close?.();
  const sets = new Map<string, TensorSet>();
  return closeOnError({ [Symbol.iterator]: () => sets.values() }, async () => {
    for (const file of new Set(files.values())) {
      const source = await open(file, signal);
      if (!source) throw new WeightsError('missingFile', `${index.name} names ${file}, which does not exist.`);
      sets.set(file, await closeOnError([source], () => openSafetensors(source, signal)));
    }
    return joinSets(index.name, files, sets);
  });
}

/** @returns the file of each tensor. @throws {WeightsError} `badIndex`, `tooLarge`, and what parsing JSON throws */
export async function readIndex(index: WeightSource, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const { name } = index;
  const map = parseJsonObject(name, await readText(index, MAX_INDEX_BYTES, signal)).weight_map;
  if (!isObject(map)) throw new WeightsError('badIndex', `${name} has no weight_map object.`);
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    // A path must not lead out of the folder.
    if (typeof file !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(file)) {
      throw new WeightsError(
        'badIndex',
        `${name} puts ${tensor.slice(0, 100)} into ${JSON.stringify(file)?.slice(0, 100)}.`,
      );
    }
    files.set(tensor, file);
  }
  return files;
}

function joinSets(index: string, files: ReadonlyMap<string, string>, sets: ReadonlyMap<string, TensorSet>): TensorSet {
  const setOf = (name: string): TensorSet | undefined => sets.get(files.get(name) ?? '');
  for (const [name, file] of files) {
    if (!setOf(name)?.shape(name)) {
      throw new WeightsError(
        'missingTensor',
        `${index} puts ${name.slice(0, 100)} into ${file}, which has no such tensor.`,
      );
    }
  }
  return {
    names: [...files.keys()],
    metadata: Object.assign({}, ...[...sets.values()].map((set) => set.metadata)),
    shape: (name) => setOf(name)?.shape(name),
    dtype: (name) => setOf(name)?.dtype(name),
    async read(name, signal) {
      const set = setOf(name);
      if (!set) throw new WeightsError('missingTensor', `${index} names no tensor ${name}.`);
      return set.read(name, signal);
    },
    pieces(name, signal) {
      const set = setOf(name);
      if (!set) throw new WeightsError('missingTensor', `${index} names no tensor ${name}.`);
      return set.pieces(name, signal);
    },
    plan(names) {
      for (const set of sets.values()) set.plan?.(names.filter((name) => setOf(name) === set));
    },
    async close() {
      for (const set of sets.values()) await set.close();
    },
  };
}

/** Runs `action`; if it fails, closes `opened`. */
export async function closeOnError<T>(
  opened: Iterable<{ close?(): Promise<void> }>,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    for (const each of opened) await each.close?.();
    throw error;
  }
}
