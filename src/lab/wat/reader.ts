/** Reads numbers, vectors and names of the WebAssembly binary format. */
export class WasmReader {
  readonly #bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** @throws {RangeError} behind the end, as all that read */
  byte(): number {
    const byte = this.at < this.end ? this.#bytes[this.at++] : undefined;
    if (byte === undefined) throw new RangeError(`the module ends at byte ${this.at}, in the middle of something`);
    return byte;
  }

  take(count: number): Uint8Array {
    if (this.at + count > this.end) throw new RangeError(`${count} bytes at ${this.at} go beyond the end`);
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`a number at byte ${this.at} is too long`);
  }

  signed(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw new RangeError(`a number at byte ${this.at} is too long`);
  }

  name(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.take(this.unsigned()));
  }

  vector<T>(read: () => T): readonly T[] {
    return Array.from({ length: this.unsigned() }, () => read());
  }
}

const TYPES: Readonly<Record<number, string>> = { 127: 'i32', 125: 'f32', 123: 'v128' };

/** @throws {RangeError} for a type that kernels do not have */
export function valueType(byte: number): string {
  const name = TYPES[byte];
  if (name === undefined) throw new RangeError(`0x${byte.toString(16)} is no type that kernels have`);
  return name;
}
