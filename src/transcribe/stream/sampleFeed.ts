/**
 * A bounded buffer between a source of samples and its reader: reads ahead while the model is busy. While it is full, the
 * source is not asked for more.
 */

import { OptionsError } from '../../base/errors.ts';
import { onAbort } from '../../base/signals.ts';
import { isTagged, tagOf } from '../../base/tags.ts';

type Samples = Float32Array | Int16Array;

/** Mono samples at 16 kHz, in arrays of any length: floats in [-1, 1], or integers of 16 bits. */
export type SampleSource = AsyncIterable<Samples> | Iterable<Samples>;

export class SampleFeed {
  readonly #iterator: AsyncIterator<Samples> | Iterator<Samples>;
  readonly #signal: AbortSignal | undefined;
  readonly #stopListening: () => void;
  readonly #buffer: Float32Array;
  #length = 0;
  #sourceEnded = false;
  #isClosed = false;
  /** Wrapped, because a source may throw anything. */
  #failure: { readonly error: unknown } | undefined;
  /** Resolved at the next change. */
  #waiting: (() => void)[] = [];

  /**
   * @param capacity most samples that are read ahead. An array of the source is not used any more when the next one is
   *   asked for, so the source may reuse it
   */
  constructor(source: SampleSource, capacity: number, signal?: AbortSignal) {
    this.#buffer = new Float32Array(capacity);
    checkSource(source);
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#signal = signal;
    this.#stopListening = onAbort(signal, this.#notify);
    void this.#read();
  }

  /** The buffer is empty, and the source has ended. */
  get isEnded(): boolean {
    return this.#sourceEnded && this.#length === 0;
  }

  /**
   * The samples in the buffer, at most `maxSamples`; waits until there are some.
   *
   * @returns no samples at the end
   * @throws what the source threw, after the samples it gave before that; the signal's reason
   */
  async take(maxSamples: number): Promise<Float32Array> {
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#length > 0) return this.takeNow(maxSamples);
      if (this.#failure) throw this.#failure.error;
      if (this.#sourceEnded) return new Float32Array(0);
      await this.#change();
    }
  }

  /** The same without waiting: no samples if there are none. */
  takeNow(maxSamples: number): Float32Array {
    const taken = this.#buffer.slice(0, Math.min(Math.max(0, maxSamples), this.#length));
    this.#buffer.copyWithin(0, taken.length, this.#length);
    this.#length -= taken.length;
    this.#notify();
    return taken;
  }

  /** All samples, as a source for another reader. */
  async *samples(): AsyncGenerator<Float32Array, void, undefined> {
    try {
      for (;;) {
        const taken = await this.take(this.#buffer.length);
        if (taken.length === 0) return;
        yield taken;
      }
    } finally {
      this.close();
    }
  }

  /** Stops reading and ends the source's iterator. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    this.#notify();
    if (this.#sourceEnded || this.#failure) return;
    // Not awaited: a generator that is waiting for sound itself handles it only when there is some.
    void (async () => this.#iterator.return?.())().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const { done, value: given } = await this.#iterator.next();
        if (done) break;
        const value = floats(given);
        for (let at = 0; at < value.length && !this.#isClosed; ) {
          const room = this.#buffer.length - this.#length;
          if (room === 0) {
            await this.#change();
            continue;
          }
          const part = value.subarray(at, at + room);
          this.#buffer.set(part, this.#length);
          this.#length += part.length;
          at += part.length;
          this.#notify();
        }
      }
      this.#sourceEnded = true;
    } catch (error) {
      this.#failure = { error };
    }
    this.#notify();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  readonly #notify = (): void => {
    for (const resolve of this.#waiting.splice(0)) resolve();
  };
}

/** @throws {OptionsError} `samples` for what gives no arrays one after another, as JavaScript may hand in */
function checkSource(source: unknown): void {
  const isSource = typeof source === 'object' && source !== null && !ArrayBuffer.isView(source);
  if (isSource && (Symbol.asyncIterator in source || Symbol.iterator in source)) return;
  throw new OptionsError(
    'samples',
    `A stream is made of arrays that come one after another, not of ${tagOf(source)}.`,
    {
      hint: 'What is there already goes to transcribe.',
    },
  );
}

function floats(given: unknown): Float32Array {
  if (isTagged(given, 'Float32Array')) return given;
  if (isTagged(given, 'Int16Array')) return Float32Array.from(given, (value) => value / 32768);
  throw new OptionsError('samples', `A stream gives Float32Array or Int16Array, mono at 16 kHz, not ${tagOf(given)}.`);
}
