/** The folder that files are written to: whether they can be, tried before the work whose result they are. */
import { existsSync, lstatSync, mkdirSync, rmdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OutputError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';

/** A block of most file systems: less may be kept beside the file's name, and would not show that the disk is full. */
const PROBE_BYTES = 4096;
const MOST_ATTEMPTS = 20;

export interface FolderFacts {
  /** `Talk.txt` and `talk.txt` are one file there. */
  readonly ignoresCase: boolean;
  /** Bytes that can still be written; undefined if the system does not say. */
  readonly freeBytes: number | undefined;
}

/**
 * Makes the folder, writes a file in it, and takes away what it has made.
 *
 * @throws {OutputError} `folder`
 */
export function tryFolder(folder: string): FolderFacts {
  for (let attempt = 1; ; attempt++) {
    try {
      return tryOnce(folder);
    } catch (error) {
      if (!isCrossed(folder, error) || attempt === MOST_ATTEMPTS) throw folderError(folder, error);
    }
  }
}

/**
 * Another command, which tries it at the same time, may have taken away what it had made: then something is not there, or was
 * there and is no more.
 */
function isCrossed(folder: string, error: unknown): boolean {
  if (!isSystemError(error)) return false;
  return error.code === 'ENOENT' || (error.code === 'EEXIST' && isFolder(nearest(folder)));
}

/** @throws the system's error */
function tryOnce(folder: string): FolderFacts {
  const made: string[] = [];
  try {
    makeFolder(folder, (path) => made.push(path));
    const name = temporaryName();
    const probe = join(folder, name);
    try {
      writeFileSync(probe, new Uint8Array(PROBE_BYTES), { flag: 'wx' });
      return { ignoresCase: existsSync(join(folder, name.toUpperCase())), freeBytes: freeBytes(folder) };
    } finally {
      rmSync(probe, { force: true });
    }
  } finally {
    for (const path of made.reverse()) {
      try {
        rmdirSync(path);
      } catch {
        // Another command writes into it now, or has taken it away.
      }
    }
  }
}

/**
 * The folder and those above it that are not there. Not Node's `recursive`, which never returns from `/proc/none/x`: there
 * the folder above is said to be there and its entry not to be.
 */
export function makeFolder(folder: string, onMade?: (path: string) => void): void {
  const missing: string[] = [];
  let path = resolve(folder);
  while (!isFolder(path) && dirname(path) !== path) {
    missing.push(path);
    path = dirname(path);
  }
  for (const next of missing.reverse()) {
    try {
      mkdirSync(next);
      onMade?.(next);
    } catch (error) {
      // Another process may have made it in between.
      if (!isFolder(next)) throw error;
    }
  }
}

/** Short, so that it fits wherever the name fits that the file has in the end; who makes the file sees to it that it is new. */
export function temporaryName(): string {
  const number = Math.floor(Math.random() * 2 ** 32);
  return `.${number.toString(16).padStart(8, '0')}.part`;
}

/** @throws what is no error of the system's */
function folderError(folder: string, error: unknown): OutputError {
  if (!isSystemError(error)) throw error;
  const isFile = ['EEXIST', 'ENOTDIR'].includes(error.code);
  const reason = isFile ? obstacle(folder) : systemReason(error);
  return new OutputError('folder', `Nothing can be written to the folder ${folder}: ${reason}.`, {
    hint: 'Name another one with --output_dir.',
    cause: error,
  });
}

/** The file, or the link to nothing, that stands where a folder is to be. */
function obstacle(folder: string): string {
  const path = nearest(folder);
  return `${path === resolve(folder) ? 'it' : path} is a ${existsSync(path) ? 'file' : 'link to nothing'}`;
}

/** The folder, or what is there of the way to it. */
function nearest(folder: string): string {
  let path = resolve(folder);
  while (!isThere(path) && dirname(path) !== path) path = dirname(path);
  return path;
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // its path leads through a file
  }
}

/** Also of a path that leads through a file. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isSystemError(error) && ['ENOENT', 'ENOTDIR'].includes(error.code)) return false;
    throw error;
  }
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    // Some network and memory file systems say 0 of everything.
    return bavail > 0 ? bavail * bsize : undefined;
  } catch {
    return undefined; // not on this system: writing will tell
  }
}
