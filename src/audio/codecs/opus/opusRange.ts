/**
 * The range decoder of Opus, over one frame after another. Past the end it reads zeros, so no data can make it fail.
 *
 * @see RFC 6716, section 4.1
 */

/** The range is kept above this. */
const MIN_RANGE = 2 ** 23;

export class OpusRange {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /**
   * The range, up to 2^31, and the value, below 2^31: as fields of the object they would be boxed, since the first is more
   * than a small integer.
   */
  readonly #state = new Uint32Array(2);
  /** The byte before: symbols begin at its last bit. */
  #carried = 0;
  #nBits = 0;

  /** Begins a frame. */
  start(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#nBits = 9;
    this.#carried = this.#byte();
    this.#narrow(128, 127 - (this.#carried >> 1));
  }

  /** Bits consumed so far, rounded up. */
  get bitsUsed(): number {
    return this.#nBits - (32 - Math.clz32(this.#state[0]!));
  }

  /** @param distribution 256 minus the cumulative frequency up to and including each symbol; the last one is 0 */
  symbol(distribution: readonly number[]): number {
    const range = this.#state[0]!;
    const value = this.#state[1]!;
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
    const range = this.#state[0]!;
    const value = this.#state[1]!;
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
    const range = this.#state[0]!;
    const value = this.#state[1]!;
    const below = range >>> log;
    if (value < below) {
      this.#narrow(below, value);
      return 1;
    }
    this.#narrow(range - below, value - below);
    return 0;
  }

  /** Takes a range and a value, with as many bytes as it needs. */
  #narrow(newRange: number, newValue: number): void {
    let range = newRange;
    let value = newValue;
    while (range <= MIN_RANGE) {
      const byte = this.#byte();
      const bits = ((this.#carried << 7) | (byte >> 1)) & 255;
      this.#carried = byte;
      value = ((value << 8) | (255 - bits)) & 0x7fffffff;
      range *= 256;
      this.#nBits += 8;
    }
    this.#state[0] = range;
    this.#state[1] = value;
  }

  #byte(): number {
    const at = this.#at++;
    return at < this.#bytes.length ? this.#bytes[at]! : 0;
  }
}
