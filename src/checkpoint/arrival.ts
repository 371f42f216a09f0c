/** Bytes that arrive in order and are read in any, each once: what has been read is let go. */

interface Part {
  readonly begin: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that are still to be read from it. */
  left: number;
}

export class Arrival {
  #parts: Part[] = [];
  /** Bytes before it have come. */
  #end: number;
  #error: unknown;
  #hasFailed = false;
  #wake: (() => void)[] = [];
  /** Settles when all has come, or no more will; never rejects. */
  readonly done: Promise<void>;

  /** @param begin position of the first byte */
  constructor(begin: number, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>) {
    this.#end = begin;
    this.done = this.#take(pieces);
  }

  /**
   * Copies the bytes from `begin` on once they are there.
   * @throws what the pieces threw before that
   */
  async copy(begin: number, target: Uint8Array): Promise<void> {
    const end = begin + target.length;
    for (let at = begin; at < end; ) {
      while (this.#end <= at && !this.#hasFailed) await new Promise<void>((resolve) => this.#wake.push(resolve));
      if (this.#end <= at) throw this.#error;
      const part = this.#parts.find((each) => each.begin <= at && at < each.begin + each.bytes.length);
      if (!part) throw new RangeError(`byte ${at} was read before`);
      const from = at - part.begin;
      const taken = part.bytes.subarray(from, Math.min(from + end - at, part.bytes.length));
      target.set(taken, at - begin);
      at += taken.length;
      part.left -= taken.length;
      if (part.left <= 0) this.#parts.splice(this.#parts.indexOf(part), 1);
    }
  }

  async #take(pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void> {
    try {
      for await (const bytes of pieces) {
        this.#parts.push({ begin: this.#end, bytes, left: bytes.length });
        this.#end += bytes.length;
        for (const wake of this.#wake.splice(0)) wake();
      }
      this.#error = new RangeError('the bytes ended early');
    } catch (error) {
      this.#error = error;
    }
    this.#hasFailed = true;
    for (const wake of this.#wake.splice(0)) wake();
  }
}
