/** Where the bytes of a recording are: read in ranges, any number of times, never all at once. */

export interface ByteSource {
  /** For messages and progress only. */
  readonly name?: string | undefined;
  /** Bytes. */
  readonly size: number;
  /**
   * The bytes from `begin` to `end`, both from 0 to `size`; fewer, down to none, only if the file has become shorter.
   *
   * @param room memory of `end - begin` bytes where they may be put, in place of new memory
   * @throws what reading throws; the signal's reason
   */
  read(begin: number, end: number, signal?: AbortSignal, room?: Uint8Array): Promise<Uint8Array>;
  /** Gives up what the source holds open. Nothing is read after it. */
  close?(): Promise<void> | void;
}

/** Bytes in memory. They are not copied. */
export function memoryBytes(bytes: Uint8Array, name?: string): ByteSource {
  return { name, size: bytes.length, read: async (begin, end) => bytes.subarray(begin, end) };
}

/** A Blob, or a File, which has a name. */
export function blobBytes(blob: Blob, name?: string): ByteSource {
  const ownName = 'name' in blob && typeof blob.name === 'string' ? blob.name : undefined;
  return {
    name: name ?? ownName,
    size: blob.size,
    read: async (begin, end, signal) => {
      const bytes = new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      signal?.throwIfAborted();
      return bytes;
    },
  };
}
