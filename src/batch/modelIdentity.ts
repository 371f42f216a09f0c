/** Which weights outputs were made with. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Of a file of weights: its head, which lists the tensors, and samples over all of it. */
const HEAD_BYTES = 1_000_000;
const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/**
 * The same for the same files, on every machine and whenever they were fetched; read in some milliseconds. Not proof against
 * who wants two models to look the same.
 *
 * @param folder a model's, with JSON files and safetensors
 * @returns 64 hexadecimal digits
 */
export function modelIdentity(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.json')) hash.update(name).update(readFileSync(join(folder, name)));
    else if (name.endsWith('.safetensors')) addWeights(hash.update(name), join(folder, name));
  }
  return hash.digest('hex');
}

function addWeights(hash: Hash, path: string): void {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    hash.update(String(size));
    const add = (at: number, bytes: number): void => {
      const buffer = Buffer.alloc(bytes);
      hash.update(buffer.subarray(0, readSync(file, buffer, 0, bytes, at)));
    };
    add(0, HEAD_BYTES);
    for (let i = 0; i < SAMPLES; i++) add(Math.floor((size / SAMPLES) * (i + 0.5)), SAMPLE_BYTES);
  } finally {
    closeSync(file);
  }
}
