/**
 * A file of a model, wherever it is: of known size and read by range, so that a large model is never in memory as a
 * whole. Memory and Blob here; HTTP in `urlSource.ts`; files in `weights/fileSource.ts` (Node).
 */
import { WeightsError } from '../base/errors.ts';

export interface WeightSource {
  /** For messages: a path, a URL, a file name. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Whether each read is a request over a network, to be avoided where possible. */
  readonly isRemote?: boolean;
  /**
   * All bytes from `begin` up to `end`; the caller owns them.
   * @throws {WeightsError} `outOfRange`, `truncated`, `changed`, `network`, `file`; the signal's reason when aborted
   */
  read(begin: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Fills `target` with the bytes from `begin` on, where that spares a copy. It is the source's until then, however the
   * call ends.
   * @throws as `read`
   */
  readInto?(begin: number, target: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void>;
  /**
   * The bytes from `begin` up to `end` in order, in pieces as they arrive, where they arrive over time; the caller owns them.
   * @throws as `read`, between two pieces too
   */
  stream?(begin: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
  close?(): Promise<void>;
}

/** Opens a file of a model by its name, e.g. `config.json`; undefined if there is none. */
export interface OpenSource {
  (name: string, signal?: AbortSignal): Promise<WeightSource | undefined>;
  /** For messages: the path or address of the folder. */
  readonly place?: string;
}

/** @throws {WeightsError} `outOfRange` unless 0 <= begin <= end <= size */
export function checkRange(source: { readonly name: string; readonly size: number }, begin: number, end: number): void {
  if (Number.isSafeInteger(begin) && Number.isSafeInteger(end) && begin >= 0 && begin <= end && end <= source.size)
    return;
  throw new WeightsError(
    'outOfRange',
    `Bytes ${begin}..${end} were requested of ${source.name}, which has ${source.size}.`,
  );
}

/** @throws {WeightsError} `truncated` if a read gave another length than requested */
export function checkLength(name: string, begin: number, end: number, got: number): void {
  if (got === end - begin) return;
  throw new WeightsError('truncated', `${name} gave ${got} bytes for the range ${begin}..${end}.`, {
    hint: 'The file may have been truncated or changed while it was read: fetch it again.',
  });
}

export function memorySource(name: string, bytes: Uint8Array): WeightSource {
  const source: WeightSource = {
    name,
    size: bytes.length,
    async read(begin, end, signal) {
      signal?.throwIfAborted();
      checkRange(source, begin, end);
      return new Uint8Array(bytes.subarray(begin, end));
    },
  };
  return source;
}

/** A Blob or File, of which only the requested ranges are read. */
export function blobSource(name: string, blob: Blob): WeightSource {
  const source: WeightSource = {
    name,
    size: blob.size,
    async read(begin, end, signal) {
      signal?.throwIfAborted();
      checkRange(source, begin, end);
      let bytes: Uint8Array<ArrayBuffer>;
      try {
        bytes = new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      } catch (cause) {
        throw new WeightsError('file', `${name} cannot be read.`, { cause });
      }
      signal?.throwIfAborted();
      checkLength(name, begin, end, bytes.length);
      return bytes;
    },
  };
  return source;
}

/** Reads all of a source that must be small, as text. @throws {WeightsError} `tooLarge`, `badUtf8` */
export async function readText(source: WeightSource, maxBytes: number, signal?: AbortSignal): Promise<string> {
  return decodeUtf8(source.name, await readSmall(source, maxBytes, signal));
}

/** Reads all of a source that must be small. @throws {WeightsError} `tooLarge` */
export async function readSmall(
  source: WeightSource,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  checkSmall(source, maxBytes);
  return source.read(0, source.size, signal);
}

/** @throws {WeightsError} `tooLarge` */
export function checkSmall({ name, size }: WeightSource, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new WeightsError('tooLarge', `${name} has ${size} bytes; at most ${maxBytes} are allowed.`);
}

/** @throws {WeightsError} `badUtf8` */
export function decodeUtf8(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new WeightsError('badUtf8', `${name} is not UTF-8.`, { cause });
  }
}
