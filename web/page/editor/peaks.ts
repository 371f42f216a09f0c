/** The outline of a recording for its waveform: a bounded number of peaks, whatever its length. */

import type { Peaks } from '../transcriptDocument.ts';

/** Samples of a stretch at first: 10 ms at 16 kHz. */
const SHORTEST = 160;

/**
 * Takes a recording piece by piece. When the peaks reach their bound, each two become one, and from then on a peak stands
 * for twice as many samples: memory is that of the bound, and each sample is looked at once.
 */
export class PeaksBuilder {
  readonly #sampleRate: number;
  #values: Float32Array;
  #count = 0;
  #stretch = SHORTEST;
  /** Of the stretch that is not yet full. */
  #inStretch = 0;
  #largest = 0;
  #samples = 0;

  /**
   * @param sampleRate Hz
   * @param bound      of the number of peaks, even: twice the pixels of a wide screen by default
   */
  constructor(sampleRate: number, bound = 8192) {
    if (bound < 2 || bound % 2 !== 0) throw new RangeError(`The bound of peaks has to be even, and is ${bound}.`);
    this.#sampleRate = sampleRate;
    this.#values = new Float32Array(bound);
  }

  /** @param samples mono; [n], the next of the recording */
  push(samples: Float32Array): void {
    this.#samples += samples.length;
    for (let at = 0; at < samples.length; ) {
      const end = Math.min(samples.length, at + this.#stretch - this.#inStretch);
      this.#inStretch += end - at;
      let largest = this.#largest;
      // A comparison with NaN is false: damaged samples leave no mark.
      for (; at < end; at++) {
        const magnitude = Math.abs(samples[at]!);
        if (magnitude > largest) largest = magnitude;
      }
      this.#largest = Math.min(1, largest);
      if (this.#inStretch === this.#stretch) this.#close();
    }
  }

  /** Of all that came until now; may be called meanwhile. */
  peaks(): Peaks {
    const values = this.#values.slice(0, this.#count + (this.#inStretch > 0 ? 1 : 0));
    if (this.#inStretch > 0) values[this.#count] = this.#largest;
    return { values, duration: this.#samples / this.#sampleRate };
  }

  #close(): void {
    this.#values[this.#count++] = this.#largest;
    this.#inStretch = 0;
    this.#largest = 0;
    // One place stays free for a stretch that is not full.
    if (this.#count < this.#values.length) return;
    const values = this.#values;
    this.#count /= 2;
    for (let i = 0; i < this.#count; i++) values[i] = Math.max(values[2 * i]!, values[2 * i + 1]!);
    this.#stretch *= 2;
  }
}
