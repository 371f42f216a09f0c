/** A first-in, first-out queue of samples. */
export class SampleQueue {
  #samples = new Float32Array(4096);
  #start = 0;
  #end = 0;
  /** From here on there are only zeros that `pushZeros` added. */
  #silentFrom = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(samples: ArrayLike<number>): void {
    this.#makeRoom(samples.length);
    this.#samples.set(samples, this.#end);
    this.#end += samples.length;
    this.#silentFrom = this.#end;
  }

  /** Whether nothing but `pushZeros` has added what is in it. */
  get isSilent(): boolean {
    return this.#start >= this.#silentFrom;
  }

  pushZeros(count: number): void {
    if (count <= 0) return;
    this.#makeRoom(count);
    this.#samples.fill(0, this.#end, this.#end + count);
    this.#end += count;
  }

  /** The first `length` samples; zeros after the end. Valid, and the caller's to change, until the next call. */
  take(length: number): Float32Array<ArrayBuffer> {
    this.pushZeros(length - this.length);
    this.#start += length;
    return this.#samples.subarray(this.#start - length, this.#start);
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.#samples.length) return;
    const { length } = this;
    if (length + count > this.#samples.length / 2) {
      const grown = new Float32Array(2 * (length + count));
      grown.set(this.#samples.subarray(this.#start, this.#end));
      this.#samples = grown;
    } else {
      this.#samples.copyWithin(0, this.#start, this.#end);
    }
    this.#silentFrom = Math.max(this.#silentFrom - this.#start, 0);
    this.#start = 0;
    this.#end = length;
  }
}
