/** Bytes from who sends them to who reads them, with how many are not read yet. */

export class ByteFeed implements AsyncIterable<Uint8Array> {
  #pieces: Uint8Array[] = [];
  #size = 0;
  #isEnded = false;
  #wake: (() => void) | undefined;
  readonly #onRead: () => void;

  /** @param onRead called when something was read */
  constructor(onRead: () => void) {
    this.#onRead = onRead;
  }

  /** Bytes that are not read yet. */
  get size(): number {
    return this.#size;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece) {
        this.#size -= piece.length;
        this.#onRead();
        yield piece;
      } else if (this.#isEnded) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
