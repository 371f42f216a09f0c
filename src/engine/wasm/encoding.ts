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
  const bytes = unsignedLeb(items.length);
  for (const item of items) for (const byte of item) bytes.push(byte);
  return bytes;
}

export function utf8Name(name: string): number[] {
  const bytes = [...new TextEncoder().encode(name)];
  return [...unsignedLeb(bytes.length), ...bytes];
}

export function section(id: number, body: readonly number[]): number[] {
  return [id, ...unsignedLeb(body.length)].concat(body);
}

export function floatBytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}
