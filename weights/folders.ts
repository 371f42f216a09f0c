/** Folders that are written to: made, with room on their disk, and errors of the system in our words. */
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import { isSystemError, systemReason } from '../src/base/systemErrors.ts';

/**
 * Makes a folder and those above it. Not by `mkdir`'s `recursive`, which in Node 20 never returns where the system answers
 * ENOENT to a folder that cannot be (below /proc).
 *
 * @returns the folders that were made, the outermost first
 * @throws the system's error
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  let at = path;
  while (!(await isFolder(at))) {
    missing.unshift(at);
    const above = dirname(at);
    if (above === at) break;
    at = above;
  }
  const made: string[] = [];
  for (const folder of missing) {
    try {
      await fs.mkdir(folder);
      made.push(folder);
    } catch (error) {
      // Another process has made it in the meantime.
      if (!isSystemError(error) || error.code !== 'EEXIST' || !(await isFolder(folder))) throw error;
    }
  }
  return made;
}

/** Does it not exist, or is it an empty folder? */
export async function isFree(place: string): Promise<boolean> {
  const info = await fs.stat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error; // a file in the way, no permission
  });
  return !info || (info.isDirectory() && (await fs.readdir(place)).length === 0);
}

async function isFolder(path: string): Promise<boolean> {
  return (await fs.stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** @throws {WeightsError} `noSpace` when the disk of `folder`, which exists, has less than `bytes` free */
export async function checkRoom(folder: string, bytes: number): Promise<void> {
  // Not every runtime (Deno 2.5 has no statfs) and file system can tell; then writing will show.
  const disk = await fs.statfs?.(folder).catch(() => undefined);
  if (!disk || disk.blocks === 0) return;
  const free = disk.bavail * disk.bsize;
  if (free >= bytes) return;
  throw new WeightsError(
    'noSpace',
    `${folder} has room for ${megabytes(free)}, and ${megabytes(bytes)} are to be written.`,
    { hint: 'Make room, or choose a folder on another disk (for fetched models: --model_dir, SOTTO_CACHE).' },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const ANOTHER = 'Choose another folder (for fetched models: --model_dir, SOTTO_CACHE).';
const HINTS: Readonly<Record<string, string>> = {
  EACCES: ANOTHER,
  EPERM: ANOTHER,
  EROFS: ANOTHER,
  ENOTDIR: ANOTHER,
  EEXIST: ANOTHER,
  ENOENT: 'The system makes no folder there: choose another one.',
  ENAMETOOLONG: 'Choose a shorter name.',
};

/** System errors, such as a full disk or no permission, as a WeightsError; other errors unchanged. */
export function fileError(error: unknown, target: string): unknown {
  if (!isSystemError(error)) return error;
  const { code, path } = error;
  const where = path === undefined || path === target ? '' : ` (${path})`;
  // Only making a folder ends so.
  const reason = code === 'EEXIST' ? 'a file is in its way' : systemReason(error);
  const message = `${target} cannot be written: ${reason}${where}.`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WeightsError('noSpace', message, {
      cause: error,
      hint: 'Make room, or choose a folder on another disk (for fetched models: --model_dir, SOTTO_CACHE).',
    });
  }
  const hint = HINTS[code];
  return new WeightsError('file', message, { cause: error, ...(hint && { hint }) });
}
