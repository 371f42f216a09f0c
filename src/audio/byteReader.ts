/**
 * Bytes from the first to the last, with a look ahead: from a source, which can be read at any place, or from a stream
 * (a pipe, a network connection), which cannot. Holds a few hundred kilobytes, whatever the size of the whole.
 */
import { untilAborted } from '../base/signals.ts';
import { pauses } from '../base/yieldToEventLoop.ts';
import type { ByteSource } from './byteSource.ts';

/** Bytes asked of a source at once. */
const CHUNK_BYTES = 1 << 18;
/** Bytes from the start of a stream that are kept, so that `rewind` can go back to it. */
const MAX_HELD_BYTES = 1 << 22;

/** Calls of `peek` between two looks at the clock. */
const CALLS_A_LOOK = 64;

/** Where the bytes come from, one chunk after the other. */
interface Chunks {
  /**
   * The next bytes, none at the end.
   *
   * @param position where they should begin: a stream is always there
   * @param room gives memory for so many, which may be used for them
   */
  next(position: number, room: (count: number) => Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface ByteReaderOptions {
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class ByteReader {
  /** For messages and progress only. */
  readonly name: string | undefined;
  /** Bytes of the whole; undefined for a stream. */
  readonly size: number | undefined;
  readonly #chunks: Chunks;
  #buffer = new Uint8Array(CHUNK_BYTES);
  /** Buffered bytes: `#buffer[#start..#end)`, of which the first is at `#position` in the whole. */
  #start = 0;
  #end = 0;
  #position = 0;
  #isAtEnd = false;
  /** Whether all bytes from the first one on are still in the buffer. */
  #isHeld: boolean;
  readonly #signal: AbortSignal | undefined;
  #nCalls = 0;
  readonly #pause = pauses();

  private constructor(chunks: Chunks, size: number | undefined, { name, signal }: ByteReaderOptions) {
    this.#chunks = chunks;
    this.#signal = signal;
    this.#isHeld = size === undefined;
    this.size = size;
    this.name = name;
  }

  static ofSource(source: ByteSource, { signal, name = source.name }: ByteReaderOptions = {}): ByteReader {
    const { size } = source;
    return new ByteReader(
      {
        next: (position, room) => {
          const end = Math.min(position + CHUNK_BYTES, size);
          return source.read(position, end, signal, room(end - position));
        },
        close: async () => {},
      },
      size,
      { name, signal },
    );
  }

  /** @param pieces may be of any length, and one array that is used again and again */
  static ofStream(pieces: AsyncIterable<Uint8Array>, { signal, name }: ByteReaderOptions = {}): ByteReader {
    const iterator = pieces[Symbol.asyncIterator]();
    return new ByteReader(
      {
        async next() {
          for (;;) {
            const { done, value } = await untilAborted(iterator.next(), signal);
            if (done) return new Uint8Array(0);
            if (value.length > 0) return value;
          }
        },
        async close() {
          // A stream that is stuck in `next` ends when its owner ends it.
          void iterator.return?.()?.catch(() => {});
        },
      },
      undefined,
      { name, signal },
    );
  }

  /** Where the next byte is in the whole. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next bytes, which stay the next ones: at least `least` unless the end comes before, at most `most`. Waits for no
   * more than `least`. What it gives is valid until the next call of any method.
   *
   * @throws what reading throws; the signal's reason. However often it is called, the event loop is not held up.
   */
  async peek(least: number, most = least): Promise<Uint8Array<ArrayBuffer>> {
    if (++this.#nCalls % CALLS_A_LOOK === 0) {
      await this.#pause();
      this.#signal?.throwIfAborted();
    }
    while (this.#end - this.#start < least && !this.#isAtEnd) await this.#fill(least);
    return this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + most));
  }

  /** Goes on by `count` bytes, or to the end. In a source nothing is read for it. */
  async advance(count: number): Promise<void> {
    if (this.size !== undefined) return this.seek(this.#position + count);
    let left = count;
    for (;;) {
      const n = Math.min(left, this.#end - this.#start);
      this.#start += n;
      this.#position += n;
      left -= n;
      if (left === 0 || this.#isAtEnd) return;
      await this.#fill(1);
    }
  }

  /** Goes to a place of a source, at most its end. @throws {RangeError} where the bytes are a stream */
  seek(position: number): void {
    if (this.size === undefined) throw new RangeError('A stream has no places.');
    const target = Math.min(position, this.size);
    const start = this.#start + target - this.#position;
    if (start >= 0 && start <= this.#end) this.#start = start;
    else [this.#start, this.#end] = [0, 0];
    this.#position = target;
    this.#isAtEnd = false;
  }

  /** Goes back to the first byte. @returns whether that can be: in a stream only from its first few megabytes */
  rewind(): boolean {
    if (this.size !== undefined) this.seek(0);
    else if (this.#isHeld) [this.#start, this.#position] = [0, 0];
    else return false;
    return true;
  }

  /** From now on a stream does not keep its start. */
  release(): void {
    this.#isHeld = false;
  }

  /** All bytes from here on, each array with memory of its own. */
  async *rest(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    this.release();
    for (;;) {
      const bytes = (await this.peek(1, CHUNK_BYTES)).slice();
      if (bytes.length === 0) return;
      await this.advance(bytes.length);
      yield bytes;
    }
  }

  /** Ends a stream. A source stays open. */
  close(): Promise<void> {
    return this.#chunks.close();
  }

  async #fill(least: number): Promise<void> {
    const room = (count: number): Uint8Array => {
      this.#makeRoom(Math.max(count, least - (this.#end - this.#start)));
      return this.#buffer.subarray(this.#end, this.#end + count);
    };
    const chunk = await this.#chunks.next(this.#position + this.#end - this.#start, room);
    if (chunk.length === 0) {
      this.#isAtEnd = true;
      return;
    }
    if (chunk.buffer !== this.#buffer.buffer) room(chunk.length).set(chunk);
    this.#end += chunk.length;
  }

  #makeRoom(count: number): void {
    if (this.#isHeld && this.#start > MAX_HELD_BYTES) this.#isHeld = false;
    if (this.#end + count <= this.#buffer.length) return;
    const from = this.#isHeld ? 0 : this.#start;
    const length = this.#end - from;
    if (length + count > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length + count, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(from, this.#end));
      this.#buffer = grown;
    } else {
      this.#buffer.copyWithin(0, from, this.#end);
    }
    this.#start -= from;
    this.#end = length;
  }
}
