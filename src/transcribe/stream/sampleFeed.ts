/**
 * Sound on its way from whoever records it to whoever listens: reads ahead while the model is at work, up to a bound.
 * When that is full, the source is not asked for more until something is taken.
 */
import { OptionsError } from '../../base/errors.ts';

/** Sound piece by piece: mono samples at 16 kHz in [-1, 1], in arrays of any length. */
export type SampleSource = AsyncIterable<Float32Array> | Iterable<Float32Array>;

export class SampleFeed {
  readonly #iterator: AsyncIterator<Float32Array> | Iterator<Float32Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #held: Float32Array;
  #length = 0;
  #isEnded = false;
  #isClosed = false;
  /** Wrapped, because a source may throw anything. */
  #failure: { readonly error: unknown } | undefined;
  /** Who waits for a change. */
  #waiting: (() => void)[] = [];

  /**
   * @param capacity most samples that are read ahead. An array of the source's is not looked at any more when the next
   *   one is asked for, so it may be used again
   */
  constructor(source: SampleSource, capacity: number, signal?: AbortSignal) {
    this.#held = new Float32Array(capacity);
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#changed);
    void this.#read();
  }

  /** Nothing is left, and nothing more will come. */
  get isEnded(): boolean {
    return this.#isEnded && this.#length === 0;
  }

  /**
   * What has come, at most `most` samples; waits until there is some.
   *
   * @returns none at the end
   * @throws what the source threw, behind the samples it gave before; the signal's reason
   */
  async take(most: number): Promise<Float32Array> {
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#length > 0) return this.takeNow(most);
      if (this.#failure) throw this.#failure.error;
      if (this.#isEnded) return new Float32Array(0);
      await this.#change();
    }
  }

  /** The same without waiting: none if there is none. */
  takeNow(most: number): Float32Array {
    const taken = this.#held.slice(0, Math.min(Math.max(0, most), this.#length));
    this.#held.copyWithin(0, taken.length, this.#length);
    this.#length -= taken.length;
    this.#changed();
    return taken;
  }

  /** All of it, piece by piece: a source for another listener. */
  async *pieces(): AsyncGenerator<Float32Array, void, undefined> {
    try {
      for (;;) {
        const taken = await this.take(this.#held.length);
        if (taken.length === 0) return;
        yield taken;
      }
    } finally {
      this.close();
    }
  }

  /** Asks the source for no more, and tells it so. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal?.removeEventListener('abort', this.#changed);
    this.#changed();
    if (this.#isEnded || this.#failure) return;
    // Not waited for: a generator that waits for sound itself hears of it only when there is some.
    void (async () => this.#iterator.return?.())().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const { done, value } = await this.#iterator.next();
        if (done) break;
        if (!(value instanceof Float32Array)) {
          throw new OptionsError('samples', 'A stream gives Float32Array, mono at 16 kHz.');
        }
        for (let at = 0; at < value.length && !this.#isClosed; ) {
          const room = this.#held.length - this.#length;
          if (room === 0) {
            await this.#change();
            continue;
          }
          const part = value.subarray(at, at + room);
          this.#held.set(part, this.#length);
          this.#length += part.length;
          at += part.length;
          this.#changed();
        }
      }
      this.#isEnded = true;
    } catch (error) {
      this.#failure = { error };
    }
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  readonly #changed = (): void => {
    for (const wake of this.#waiting.splice(0)) wake();
  };
}
