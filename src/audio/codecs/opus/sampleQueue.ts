/** A first-in, first-out queue of samples. */
export class SampleQueue {
  #samples = new Float32Array(4096);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(samples: ArrayLike<number>): void {
    if (this.#end + samples.length > this.#samples.length) {
      const { length } = this;
      const grown = length + samples.length > this.#samples.length / 2;
      const target = grown ? new Float32Array(2 * (length + samples.length)) : this.#samples;
      target.set(this.#samples.subarray(this.#start, this.#end));
      this.#samples = target;
      this.#start = 0;
      this.#end = length;
    }
    this.#samples.set(samples, this.#end);
    this.#end += samples.length;
  }

  /** The first `length` samples; zeros after the end. */
  take(length: number): Float32Array<ArrayBuffer> {
    const taken = new Float32Array(length);
    const next = Math.min(this.#start + length, this.#end);
    taken.set(this.#samples.subarray(this.#start, next));
    this.#start = next;
    return taken;
  }
}
