/** Bytes of the WebAssembly binary format: LEB128 numbers, vectors, names, sections. */

/** Unsigned LEB128 of an integer in [0, 2^32). */
export function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && !(low & 0x40)) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** A vector of already encoded items: their count, then their bytes. */
export function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsignedLeb(items.length), ...items.flat()];
}

export function utf8Name(name: string): number[] {
  const bytes = [...new TextEncoder().encode(name)];
  return [...unsignedLeb(bytes.length), ...bytes];
}

export function floatBytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}

/** Bytes that are written one after the other. */
export class ByteWriter {
  #bytes = new Uint8Array(512);
  length = 0;

  write(bytes: ArrayLike<number>): void {
    const end = this.length + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    // Mostly one to four: a call of `set` would cost more.
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.length + i] = bytes[i]!;
    this.length = end;
  }

  /** What was written to another. */
  append(other: ByteWriter): void {
    const end = this.length + other.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(other.#bytes.subarray(0, other.length), this.length);
    this.length = end;
  }

  section(id: number, body: ByteWriter): void {
    this.write([id, ...unsignedLeb(body.length)]);
    this.append(body);
  }

  /** All that was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}
