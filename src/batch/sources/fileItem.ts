/** A file as an item. */
import { stat } from 'node:fs/promises';
import type { BatchItem } from '../item.ts';

/**
 * @param id  unique and the same on every machine
 * @param path absolute
 * @returns of a file that is not there an item too: what is wrong with it is said when it is opened
 */
export async function fileItem(id: string, path: string, name: string): Promise<BatchItem> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { id, audio: path, name, version: `${size}-${Math.trunc(mtimeMs)}`, bytes: size };
  } catch {
    return { id, audio: path, name, version: '' };
  }
}
