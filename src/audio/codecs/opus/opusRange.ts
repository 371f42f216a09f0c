/**
 * The range decoder of Opus, over one frame. Past the end it reads zeros, so no data can make it fail.
 *
 * @see RFC 6716, section 4.1
 */

/** The range is kept above this. */
const MIN_RANGE = 2 ** 23;

export class OpusRange {
  readonly #bytes: Uint8Array;
  #at = 0;
  #range = 128;
  /** The byte before: symbols begin at its last bit. */
  #carried: number;
  #value: number;
  #nBits = 9;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#carried = this.#byte();
    this.#value = 127 - (this.#carried >> 1);
    this.#normalize();
  }

  /** Bits consumed so far, rounded up. */
  get bitsUsed(): number {
    return this.#nBits - (32 - Math.clz32(this.#range));
  }

  /** @param distribution 256 minus the cumulative frequency up to and including each symbol; the last one is 0 */
  symbol(distribution: readonly number[]): number {
    const unit = this.#range >>> 8;
    let above = this.#range;
    for (let i = 0; i < distribution.length; i++) {
      const below = unit * distribution[i]!;
      if (this.#value >= below) {
        this.#narrow(below, above);
        return i;
      }
      above = below;
    }
    return distribution.length - 1; // not reached: the value is never below 0
  }

  /** A bit that is 1 with probability 2 ** -`log`. */
  bit(log: number): 0 | 1 {
    const below = this.#range >>> log;
    const isSet = this.#value < below;
    if (isSet) this.#narrow(0, below);
    else this.#narrow(below, this.#range);
    return isSet ? 1 : 0;
  }

  /** 0 to 255, all equally likely. */
  uniformByte(): number {
    const unit = this.#range >>> 8;
    const fromTop = Math.min(Math.floor(this.#value / unit), 255);
    this.#narrow(unit * fromTop, fromTop === 255 ? this.#range : unit * (fromTop + 1));
    return 255 - fromTop;
  }

  #narrow(below: number, above: number): void {
    this.#value -= below;
    this.#range = above - below;
    this.#normalize();
  }

  #normalize(): void {
    while (this.#range <= MIN_RANGE) {
      const byte = this.#byte();
      const bits = ((this.#carried << 7) | (byte >> 1)) & 255;
      this.#carried = byte;
      this.#value = (this.#value * 256 + (255 - bits)) % 2 ** 31;
      this.#range *= 256;
      this.#nBits += 8;
    }
  }

  #byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
}
