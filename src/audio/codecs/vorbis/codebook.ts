/**
 * A codebook of Vorbis: a prefix code for numbers, and for most a vector that each number stands for.
 *
 * @see Vorbis I specification, section 3
 */

import { malformedVorbis } from './malformedVorbis.ts';
import type { SetupBudget } from './setupBudget.ts';
import { bitLength, EndOfPacket, type VorbisBits } from './vorbisBits.ts';

const SYNC = 0x564342;
const UNUSED = 0;
const MAX_LENGTH = 32;
/** Codes up to this length are found in one step. */
const FAST_BITS = 10;

export class Codebook {
  readonly dimensions: number;
  readonly nEntries: number;
  /** All vectors, one after the other; undefined for a book of numbers alone; shape [nEntries, dimensions] */
  readonly vectors: Float32Array | undefined;
  /** By the next bits: entry * 64 + length; -1 where the code is longer or there is none. */
  readonly #fast = new Int32Array(1 << FAST_BITS).fill(-1);
  /** Longer codes as a tree: two children a node, an entry as its complement; 0 where there is none. */
  readonly #tree: number[] = [0, 0];

  /** @throws {AudioError} `malformed`; {EndOfPacket} */
  constructor(bits: VorbisBits, budget: SetupBudget) {
    if (bits.read(24) !== SYNC) throw malformedVorbis('a codebook does not begin as it should');
    this.dimensions = bits.read(16);
    this.nEntries = bits.read(24);
    budget.take(this.nEntries);
    this.#assign(readLengths(bits, this.nEntries));
    this.vectors = readVectors(bits, this.nEntries, this.dimensions, budget);
  }

  /** The next number. @throws {EndOfPacket} */
  number(bits: VorbisBits): number {
    const found = this.#fast[bits.peek(FAST_BITS)]!;
    if (found >= 0) {
      bits.advance(found & 63);
      return found >> 6;
    }
    let node = 0;
    for (;;) {
      const next = this.#tree[2 * node + bits.read(1)]!;
      if (next < 0) return ~next;
      if (next === 0) throw new EndOfPacket(); // no entry has this code
      node = next;
    }
  }

  /** Gives codes to the entries: each the lowest one that is free, read from its highest bit on. */
  #assign(lengths: Uint8Array): void {
    const used = lengths.reduce((count, length) => count + (length === UNUSED ? 0 : 1), 0);
    /** By length: the lowest free code, in the upper bits of 32; 0 where there is none. */
    const free = new Float64Array(MAX_LENGTH + 1);
    let isFirst = true;
    for (const [entry, length] of lengths.entries()) {
      if (length === UNUSED) continue;
      let code = 0;
      if (isFirst) {
        isFirst = false;
        for (let i = 1; i <= length; i++) free[i] = 2 ** (32 - i);
      } else {
        let from = length;
        while (from > 0 && free[from] === 0) from--;
        if (from === 0) throw malformedVorbis('a codebook has more codes than fit');
        code = free[from]!;
        free[from] = 0;
        for (let i = length; i > from; i--) free[i] = code + 2 ** (32 - i);
      }
      this.#insert(code, length, entry);
    }
    // The one entry of a book may be coded by either value of a bit.
    if (used === 1)
      this.#insert(
        2 ** 31,
        1,
        lengths.findIndex((length) => length !== UNUSED),
      );
  }

  /** @param code in the upper bits of 32 */
  #insert(code: number, length: number, entry: number): void {
    if (length <= FAST_BITS) {
      let reversed = 0;
      for (let i = 0; i < length; i++) reversed |= ((code >>> (31 - i)) & 1) << i;
      for (let at = reversed; at < 1 << FAST_BITS; at += 1 << length) this.#fast[at] = entry * 64 + length;
      return;
    }
    let node = 0;
    for (let i = 0; i < length; i++) {
      const child = 2 * node + ((code >>> (31 - i)) & 1);
      if (i === length - 1) {
        this.#tree[child] = ~entry;
        return;
      }
      let next = this.#tree[child]!;
      if (next <= 0) {
        next = this.#tree.length / 2;
        this.#tree[child] = next;
        this.#tree.push(0, 0);
      }
      node = next;
    }
  }
}

function readLengths(bits: VorbisBits, nEntries: number): Uint8Array {
  const lengths = new Uint8Array(nEntries);
  if (bits.flag()) {
    // Ordered: how many there are of each length.
    let length = bits.read(5) + 1;
    for (let entry = 0; entry < nEntries; length++) {
      const count = bits.read(bitLength(nEntries - entry));
      if (entry + count > nEntries || length > MAX_LENGTH) throw malformedVorbis('a codebook has codes beyond its end');
      lengths.fill(length, entry, entry + count);
      entry += count;
    }
    return lengths;
  }
  const isSparse = bits.flag();
  for (let entry = 0; entry < nEntries; entry++) {
    if (!isSparse || bits.flag()) lengths[entry] = bits.read(5) + 1;
  }
  return lengths;
}

function readVectors(
  bits: VorbisBits,
  nEntries: number,
  dimensions: number,
  budget: SetupBudget,
): Float32Array | undefined {
  const type = bits.read(4);
  if (type === 0) return undefined;
  if (type > 2) throw malformedVorbis(`a codebook has vectors of type ${type}`);
  budget.takeNumbers(nEntries * dimensions);
  const [least, delta] = [readFloat(bits), readFloat(bits)];
  const valueBits = bits.read(4) + 1;
  const isSequence = bits.flag();
  const nFactors = type === 1 ? lookup1Values(nEntries, dimensions) : nEntries * dimensions;
  const factors = Float64Array.from({ length: nFactors }, () => bits.read(valueBits));
  const vectors = new Float32Array(nEntries * dimensions);
  for (let entry = 0; entry < nEntries; entry++) {
    let last = 0;
    let rest = entry;
    for (let i = 0; i < dimensions; i++) {
      const at = entry * dimensions + i;
      // In type 1 the digits of the entry's number choose among the factors.
      const factor = factors[type === 1 ? rest % nFactors : at]!;
      rest = Math.floor(rest / nFactors);
      const value = Math.fround(factor * delta + least + last);
      vectors[at] = value;
      if (isSequence) last = value;
    }
  }
  return vectors;
}

/** The largest number whose power by `dimensions` is not above the number of entries. */
function lookup1Values(nEntries: number, dimensions: number): number {
  if (dimensions === 0) throw malformedVorbis('a codebook has vectors without a number');
  let value = Math.floor(nEntries ** (1 / dimensions));
  while ((value + 1) ** dimensions <= nEntries) value++;
  while (value ** dimensions > nEntries) value--;
  return value;
}

/** 1 bit sign, 10 bits exponent with a bias of 788, 21 bits mantissa. */
function readFloat(bits: VorbisBits): number {
  const word = bits.read(32);
  const magnitude = (word & 0x1fffff) * 2 ** (((word >>> 21) & 0x3ff) - 788);
  return Math.fround(word >>> 31 === 1 ? -magnitude : magnitude);
}
