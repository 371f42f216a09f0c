/** Bits of MPEG audio, highest first. After the end of the bytes come zeros, so that damaged lengths need no check. */
export class MpegBits {
  bytes: Uint8Array;
  /** Bit position; whoever decodes fast reads `bytes` itself and writes it. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** @param n 0 to 25 */
  read(n: number): number {
    if (n === 0) return 0;
    const bits = window32(this.bytes, this.at) >>> (32 - n);
    this.at += n;
    return bits;
  }
}

/** 32 bits of which the first 25 are those from bit `at` on. */
export function window32(bytes: Uint8Array, at: number): number {
  const byte = at >>> 3;
  const word = (bytes[byte]! << 24) | (bytes[byte + 1]! << 16) | (bytes[byte + 2]! << 8) | bytes[byte + 3]!;
  return word << (at & 7);
}
