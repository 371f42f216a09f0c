/**
 * Which bytes of the WebAssembly memory are whose: best fit among freed blocks, else the end grows.
 *
 * Blocks start at multiples of 64 and have at least 64 free bytes after them, so that tests find who writes beyond its
 * tensor. Only arithmetic: growing and clearing the memory is the device's.
 */

/** What a block of so many bytes takes. */
export function paddedBytes(bytes: number): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}

export interface Block {
  readonly address: number;
  /** It was somebody's before and holds old values. */
  readonly isUsed: boolean;
}

interface FreeBlock {
  address: number;
  bytes: number;
}

export class MemoryMap {
  /** Bytes up to here have been given out at some time. */
  end: number;
  readonly #limit: number;
  readonly #sizes = new Map<number, number>();
  /** By address; neighbours are merged. */
  readonly #holes: FreeBlock[] = [];

  /**
   * @param begin first usable byte, a multiple of 64
   * @param limit size the memory can grow to
   */
  constructor(begin: number, limit: number) {
    this.end = begin;
    this.#limit = limit;
  }

  /** @returns undefined when there is no room */
  allocate(bytes: number): Block | undefined {
    const size = paddedBytes(bytes);
    let best = -1;
    this.#holes.forEach((hole, i) => {
      if (hole.bytes >= size && (best < 0 || hole.bytes < this.#holes[best]!.bytes)) best = i;
    });
    const hole = this.#holes[best];
    if (hole) {
      const { address } = hole;
      hole.address += size;
      hole.bytes -= size;
      if (hole.bytes === 0) this.#holes.splice(best, 1);
      this.#sizes.set(address, size);
      return { address, isUsed: true };
    }
    if (this.end + size > this.#limit) return undefined;
    const address = this.end;
    this.end += size;
    this.#sizes.set(address, size);
    return { address, isUsed: false };
  }

  /** @returns false if nothing is allocated there */
  free(address: number): boolean {
    const bytes = this.#sizes.get(address);
    if (bytes === undefined) return false;
    this.#sizes.delete(address);
    let at = this.#holes.findIndex((hole) => hole.address > address);
    if (at < 0) at = this.#holes.length;
    this.#holes.splice(at, 0, { address, bytes });
    this.#mergeWithNext(at);
    if (at > 0) this.#mergeWithNext(at - 1);
    return true;
  }

  #mergeWithNext(at: number): void {
    const hole = this.#holes[at]!;
    const next = this.#holes[at + 1];
    if (next && hole.address + hole.bytes === next.address) {
      hole.bytes += next.bytes;
      this.#holes.splice(at + 1, 1);
    }
  }
}
