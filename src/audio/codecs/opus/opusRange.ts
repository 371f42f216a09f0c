/**
 * The range decoder of Opus, over one frame after another. Past the end it reads zeros, so no data can make it fail.
 *
 * @see RFC 6716, section 4.1
 */

/** The range is kept above this. */
export const MIN_RANGE = 2 ** 23;

export class OpusRange {
  #bytes: Uint8Array = new Uint8Array(0);
  /**
   * The range, up to 2^31, the value, below 2^31, and how many bytes were read: for who goes on where this stands
   * (wasmRange.ts). As fields of the object they would be boxed, since the first is more than a small integer.
   */
  readonly state = new Uint32Array(3);

  /** Those of the frame. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Begins a frame. */
  start(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.state[2] = 1;
    this.#narrow(128, 127 - ((bytes[0] ?? 0) >> 1));
  }

  /** Bits consumed so far, rounded up. */
  get bitsUsed(): number {
    return 8 * this.state[2]! + 1 - (32 - Math.clz32(this.state[0]!));
  }

  /** @param distribution 256 minus the cumulative frequency up to and including each symbol; the last one is 0 */
  symbol(distribution: readonly number[]): number {
    const range = this.state[0]!;
    const value = this.state[1]!;
    const unit = range >>> 8;
    let above = range;
    for (let i = 0; i < distribution.length; i++) {
      const below = unit * distribution[i]!;
      if (value >= below) {
        this.#narrow(above - below, value - below);
        return i;
      }
      above = below;
    }
    return distribution.length - 1; // not reached: the value is never below 0
  }

  /** `symbol` of the distribution [first, 0]. */
  binary(first: number): 0 | 1 {
    const range = this.state[0]!;
    const value = this.state[1]!;
    const below = (range >>> 8) * first;
    if (value >= below) {
      this.#narrow(range - below, value - below);
      return 0;
    }
    this.#narrow(below, value);
    return 1;
  }

  /** A bit that is 1 with probability 2 ** -`log`. */
  bit(log: number): 0 | 1 {
    const range = this.state[0]!;
    const value = this.state[1]!;
    const below = range >>> log;
    if (value < below) {
      this.#narrow(below, value);
      return 1;
    }
    this.#narrow(range - below, value - below);
    return 0;
  }

  /** Takes a range and a value, with as many bytes as it needs. Symbols begin at the last bit of the byte before. */
  #narrow(newRange: number, newValue: number): void {
    const { state } = this;
    let range = newRange;
    let value = newValue;
    while (range <= MIN_RANGE) {
      const at = state[2]!;
      const bits = ((this.#byte(at - 1) << 7) | (this.#byte(at) >> 1)) & 255;
      value = ((value << 8) | (255 - bits)) & 0x7fffffff;
      range *= 256;
      state[2] = at + 1;
    }
    state[0] = range;
    state[1] = value;
  }

  #byte(at: number): number {
    return at < this.#bytes.length ? this.#bytes[at]! : 0;
  }
}
