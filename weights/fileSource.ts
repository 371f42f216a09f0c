/** Files of a model in a folder, read by range (Node, Deno and Bun). */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import { systemReason } from '../src/base/systemErrors.ts';
import { checkLength, checkRange, type OpenSource, readSmall, type WeightSource } from '../src/checkpoint/source.ts';

/** On some systems a single read is limited to less than 2 GiB. */
const MAX_READ_BYTES = 2 ** 30;

/** @returns undefined if there is no such file. @throws {WeightsError} `file` if it cannot be opened or read */
export async function fileSource(path: string): Promise<WeightSource | undefined> {
  const failed = (cause: unknown): WeightsError =>
    new WeightsError('file', `${path} cannot be read: ${systemReason(cause)}.`, { cause });
  // Looked at first: opening a named pipe would wait for somebody to write into it.
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw failed(error);
  });
  if (!info) return undefined;
  if (!info.isFile()) throw new WeightsError('file', `${path} is not a file.`);
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw failed(error);
  });
  const { size } = await handle.stat();
  const readInto = async (begin: number, target: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void> => {
    const end = begin + target.length;
    checkRange({ name: path, size }, begin, end);
    let filled = 0;
    while (filled < target.length) {
      signal?.throwIfAborted();
      const count = Math.min(MAX_READ_BYTES, target.length - filled);
      const { bytesRead } = await handle.read(target, filled, count, begin + filled).catch((cause: unknown) => {
        throw failed(cause);
      });
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    signal?.throwIfAborted();
    checkLength(path, begin, end, filled);
  };
  return {
    name: path,
    size,
    async read(begin, end, signal) {
      checkRange({ name: path, size }, begin, end);
      const bytes = new Uint8Array(end - begin);
      await readInto(begin, bytes, signal);
      return bytes;
    },
    readInto,
    close: () => handle.close(),
  };
}

export function openFolder(folder: string): OpenSource {
  return Object.assign((name: string) => fileSource(join(folder, name)), { place: folder });
}

/** Larger than any file beside a model's weights. */
const MAX_SMALL_BYTES = 2 ** 23;

/**
 * All of a small file.
 * @returns undefined if there is none
 * @throws {WeightsError} `file` for what is no plain file (a device has no end), `tooLarge`
 */
export async function readSmallFile(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const source = await fileSource(path);
  try {
    return source && (await readSmall(source, MAX_SMALL_BYTES));
  } finally {
    await source?.close?.();
  }
}

const COMPARED_BYTES = 2 ** 20;

/** Have two files the same bytes, or are there neither of them? */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  const one = await fileSource(a);
  let other: WeightSource | undefined;
  try {
    other = await fileSource(b);
    if (one?.size !== other?.size) return false;
    const size = one?.size ?? 0;
    for (let at = 0; at < size; at += COMPARED_BYTES) {
      const end = Math.min(size, at + COMPARED_BYTES);
      const [x, y] = [await one?.read(at, end), await other?.read(at, end)];
      if (!x || !y || Buffer.compare(x, y) !== 0) return false;
    }
    return true;
  } finally {
    await one?.close?.();
    await other?.close?.();
  }
}
