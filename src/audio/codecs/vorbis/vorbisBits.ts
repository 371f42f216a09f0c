/** Reads the bits of a Vorbis packet, lowest bit of each byte first. @see Vorbis I specification, section 2 */

/** The packet is over. In sound that is no error: what has not been read is silent. */
export class EndOfPacket extends Error {}

export class VorbisBits {
  readonly #bytes: Uint8Array;
  readonly #nBits: number;
  #at: number;

  /** @param start first byte that is read */
  constructor(bytes: Uint8Array, start = 0) {
    this.#bytes = bytes;
    this.#nBits = 8 * bytes.length;
    this.#at = 8 * start;
  }

  /** The next `n` bits, 0 to 32, of which those beyond the end are 0; they are not consumed. */
  peek(n: number): number {
    if (n === 0) return 0;
    const bytes = this.#bytes;
    const at = this.#at >>> 3;
    const shift = this.#at & 7;
    const low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> shift;
    // The fifth byte's bits come on top; a shift by 32 would be one by 0.
    const word = shift === 0 ? low : low | (bytes[at + 4]! << (32 - shift));
    return n === 32 ? word >>> 0 : word & ((1 << n) - 1);
  }

  /** @throws {EndOfPacket} if there are not so many */
  advance(n: number): void {
    this.#at += n;
    if (this.#at > this.#nBits) throw new EndOfPacket();
  }

  /** @param n 0 to 32 @throws {EndOfPacket} */
  read(n: number): number {
    const value = this.peek(n);
    this.advance(n);
    return value;
  }

  /** @throws {EndOfPacket} */
  flag(): boolean {
    return this.read(1) === 1;
  }
}

/** Bits that a number has: 0 for 0, 3 for 7. */
export function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}
