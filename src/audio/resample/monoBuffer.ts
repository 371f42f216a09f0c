/** Samples that are done, in memory that is kept. */
export class MonoBuffer {
  samples = new Float32Array(0);
  #length = 0;

  /** Makes room for so many more. @returns the index of the first */
  add(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.samples.length) {
      const grown = new Float32Array(Math.max(this.#length, 2 * this.samples.length));
      grown.set(this.samples.subarray(0, at));
      this.samples = grown;
    }
    return at;
  }

  /** All samples, valid until the next call. */
  take(): Float32Array<ArrayBuffer> {
    const taken = this.samples.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
