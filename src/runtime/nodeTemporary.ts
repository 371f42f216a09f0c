/** Temporary files: removed when they are closed, and at the end of the process if they were not. */
import { existsSync, rmSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { AudioError } from '../base/errors.ts';
import { systemReason } from '../base/systemErrors.ts';
import { environment, isPermitted } from './environment.ts';

/** Folders that are there, for the end of the process. */
const folders = new Set<string>();
let isWatching = false;

export class TemporaryFile {
  readonly path: string;
  /** Bytes written. */
  size = 0;
  readonly #folder: string;
  readonly #handle: FileHandle;

  private constructor(folder: string, path: string, handle: FileHandle) {
    this.#folder = folder;
    this.path = path;
    this.#handle = handle;
  }

  /** @throws {AudioError} `file` if there is no place for it */
  static async create(): Promise<TemporaryFile> {
    if (!isWatching) {
      isWatching = true;
      process.once('exit', () => {
        for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      });
    }
    const parent = temporaryFolder();
    if (!isPermitted({ name: 'read', path: parent }) || !isPermitted({ name: 'write', path: parent })) {
      throw new AudioError('file', `A temporary file must not be written in ${parent}.`, {
        hint: `Deno needs --allow-read and --allow-write for ${parent}, or for the folder that TMPDIR names.`,
      });
    }
    try {
      const folder = await mkdtemp(join(parent, 'sotto-'));
      folders.add(folder);
      const path = join(folder, 'recording');
      return new TemporaryFile(folder, path, await open(path, 'wx+', 0o600));
    } catch (cause) {
      throw noRoom(cause);
    }
  }

  /** @throws {AudioError} `file`, such as for a full disk */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; )
        at += (await this.#handle.write(bytes, at, bytes.length - at, this.size + at)).bytesWritten;
    } catch (cause) {
      throw noRoom(cause);
    }
    this.size += bytes.length;
  }

  /** The bytes from `begin` to `end`. @param room where to put them */
  read(begin: number, end: number, room?: Uint8Array): Promise<Uint8Array> {
    return readRange(this.#handle, begin, end, room);
  }

  /** Closes and removes it. */
  async remove(): Promise<void> {
    await this.#handle.close();
    await rm(this.#folder, { recursive: true, force: true });
    folders.delete(this.#folder);
  }
}

/** The bytes from `begin` to `end`; fewer if the file ends before. @param bytes where to put them */
export async function readRange(
  handle: FileHandle,
  begin: number,
  end: number,
  bytes: Uint8Array = new Uint8Array(end - begin),
): Promise<Uint8Array> {
  let n = 0;
  while (n < bytes.length) {
    const { bytesRead } = await handle.read(bytes, n, bytes.length - n, begin + n);
    if (bytesRead === 0) break;
    n += bytesRead;
  }
  return bytes.subarray(0, n);
}

/** The one that the user names; else the one that is on a disk: /tmp is in memory on many systems. */
export function temporaryFolder(): string {
  if (process.platform === 'win32') return tmpdir();
  const named = environment('TMPDIR') || environment('TMP') || environment('TEMP');
  const onDisk = '/var/tmp';
  return named || (isPermitted({ name: 'read', path: onDisk }) && existsSync(onDisk) ? onDisk : '/tmp');
}

function noRoom(cause: unknown): AudioError {
  return new AudioError('file', `A temporary file cannot be written in ${temporaryFolder()}: ${systemReason(cause)}.`, {
    cause,
    hint: 'Set TMPDIR to a folder with more room.',
  });
}
