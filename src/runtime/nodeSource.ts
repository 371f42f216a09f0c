/**
 * Where the bytes of a recording are, in Node: a file, memory, a Blob, or a stream that is kept in a temporary file, since
 * a recording is read more than once.
 */
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { type ByteSource, memoryBytes } from '../audio/byteSource.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { shownName } from '../base/shownName.ts';
import { piecesUntilAborted, untilAborted } from '../base/signals.ts';
import { systemReason } from '../base/systemErrors.ts';
import { readRange, TemporaryFile } from './nodeTemporary.ts';

export interface NodeSource extends ByteSource {
  /** A path of the same bytes, for ffmpeg; written when it is first asked for. */
  path(signal?: AbortSignal): Promise<string>;
}

/** Bytes of a stream that are held in memory, and looked at before more of it is kept. */
const HELD_BYTES = 1 << 23;
/** A stream that gives more than this is taken to have no end. */
const MAX_STREAM_BYTES = 2 ** 35;
/** Bytes written to a temporary file at once. */
const COPY_BYTES = 1 << 20;

/**
 * @returns the file as long as it is now; what is written to it from here on does not count
 * @throws {AudioError} `notFound`; `file` for what cannot be read, for a folder and for a device; what `streamSource` throws
 */
export async function fileSource(path: string, options: FileOptions = {}): Promise<NodeSource> {
  options.signal?.throwIfAborted();
  const name = shownName(path);
  let handle: FileHandle;
  try {
    const info = await stat(path);
    if (info.isDirectory()) {
      throw new AudioError('file', `${name} is a folder.`, { hint: 'Name the recordings in it.' });
    }
    if (info.isCharacterDevice() || info.isBlockDevice()) {
      throw new AudioError('file', `${name} is a device, which has no end.`, {
        hint: 'Record from it to a file, or pipe it: arecord ... | sotto -',
      });
    }
    // A pipe is opened when somebody writes to it.
    const opening = open(path, 'r');
    try {
      handle = await untilAborted(opening, options.signal);
    } catch (error) {
      void opening.then((late) => late.close()).catch(() => {});
      throw error;
    }
    if (!info.isFile() || info.size === 0) return await pipeSource(handle, { name, ...options });
    let isShorter = false;
    const source: ByteSource = {
      name,
      size: info.size,
      async read(begin, end, signal, room) {
        const bytes = await readRange(handle, begin, end, room);
        signal?.throwIfAborted();
        if (bytes.length < end - begin && !isShorter) {
          isShorter = true;
          const message = `${name} became shorter while it was read.`;
          options.onWarning?.({ code: 'audioTruncated', message });
        }
        return bytes;
      },
      close: () => handle.close(),
    };
    // What /dev/stdin is here, it is not for ffmpeg; a file that was removed has no path.
    const real = await realpath(path).catch(() => '/proc/none');
    return /^\/(dev|proc)\//.test(real) ? withPath(source) : { ...source, path: async () => real };
  } catch (error) {
    if (error instanceof AudioError) throw error;
    options.signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException; // of what is called here, only the system's errors are left
    if (code === 'ENOENT') throw new AudioError('notFound', `There is no file ${name}.`, { cause: error });
    const reason = path.includes('\0') ? 'its name has a zero byte in it' : systemReason(error);
    throw new AudioError('file', `${name} cannot be read: ${reason}.`, { cause: error });
  }
}

/** A pipe, or one of the system's files that have a content and no size. */
async function pipeSource(handle: FileHandle, options: StreamOptions): Promise<NodeSource> {
  const stream = handle.createReadStream();
  try {
    return await streamSource(stream, options);
  } finally {
    stream.destroy();
  }
}

/** Bytes that are in memory or in a Blob; they are written to a file only if ffmpeg has to read them. */
export function withPath(source: ByteSource): NodeSource {
  let file: TemporaryFile | undefined;
  return {
    ...source,
    async path(signal) {
      if (file) return file.path;
      const copy = await TemporaryFile.create();
      try {
        for (let at = 0; at < source.size; at += COPY_BYTES) {
          signal?.throwIfAborted();
          await copy.write(await source.read(at, Math.min(at + COPY_BYTES, source.size), signal));
        }
      } catch (error) {
        await copy.remove();
        throw error;
      }
      file = copy;
      return copy.path;
    },
    async close() {
      await file?.remove();
      await source.close?.();
    },
  };
}

export interface FileOptions extends StreamOptions, Pick<CallOptions, 'onWarning'> {}

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
  readonly name?: string | undefined;
  /** Called with the first megabytes of a long stream: throws if they are no recording, so that the rest is not kept. */
  readonly check?: ((head: ByteSource) => Promise<void>) | undefined;
}

/**
 * A stream, read to its end.
 *
 * @throws {AudioError} `endless`; `file` if there is no room for a temporary file; what `check` and the stream throw; the
 *   signal's reason
 */
export async function streamSource(
  stream: AsyncIterable<Uint8Array>,
  options: StreamOptions = {},
): Promise<NodeSource> {
  const { signal, name, check } = options;
  const held: Uint8Array[] = [];
  let nHeld = 0;
  let file: TemporaryFile | undefined;
  try {
    for await (const piece of piecesUntilAborted(stream, signal)) {
      if (file) {
        await file.write(piece);
        if (file.size > MAX_STREAM_BYTES) {
          throw new AudioError('endless', `${name ?? 'The stream'} gave ${file.size} bytes and has not ended.`, {
            hint: 'Transcribe it while it comes: pipe it into sotto -',
          });
        }
        continue;
      }
      // Copied, since the producer may use its array again.
      held.push(piece.slice());
      nHeld += piece.length;
      if (nHeld < HELD_BYTES) continue;
      await check?.(memoryBytes(joined(held), name));
      file = await TemporaryFile.create();
      for (const first of held.splice(0)) await file.write(first);
    }
  } catch (error) {
    await file?.remove();
    throw error;
  }
  if (!file) return withPath(memoryBytes(joined(held), name));
  const { path, size } = file;
  const kept = file;
  return {
    name,
    size,
    path: async () => path,
    async read(begin, end, signalOfRead, room) {
      const bytes = await kept.read(begin, end, room);
      signalOfRead?.throwIfAborted();
      return bytes;
    },
    close: () => kept.remove(),
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}
