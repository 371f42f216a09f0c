/**
 * Huffman codes as tables to look bits up in: the first eight bits give a leaf, or a second table for the bits after them.
 *
 * An entry is `length << 8 | value` of a leaf (length of the whole code), or, below zero, `-(offset << 4 | bits)`: the
 * following `bits` bits count from `offset` on.
 */
import { LINEAR_BITS, PAIR_CODES, QUAD_CODES } from './huffmanCodes.ts';

export const ROOT_BITS = 8;

export interface HuffmanTable {
  readonly entries: Int32Array;
  /** Bits that follow a value of 15. */
  readonly linearBits: number;
}

function lookup(code: string): Int32Array {
  const leaves = Array.from({ length: code.length / 3 }, (_, i) => ({
    value: Number.parseInt(code.slice(3 * i, 3 * i + 2), 16),
    length: Number.parseInt(code.charAt(3 * i + 2), 36),
  }));
  const longest = Math.max(ROOT_BITS, ...leaves.map(({ length }) => length));
  // Codes are counted in units of the longest; those that begin with the same eight bits need as many more as their longest.
  const tailBits = new Uint8Array(1 << ROOT_BITS);
  const codes: number[] = [];
  let next = 0;
  for (const { length } of leaves) {
    const prefix = next >> (longest - ROOT_BITS);
    tailBits[prefix] = Math.max(tailBits[prefix]!, length - ROOT_BITS);
    codes.push(next);
    next += 1 << (longest - length);
  }
  const offsets = new Uint16Array(1 << ROOT_BITS);
  let size = 1 << ROOT_BITS;
  for (const [prefix, bits] of tailBits.entries()) {
    offsets[prefix] = size;
    if (bits > 0) size += 1 << bits;
  }
  const entries = new Int32Array(size);
  for (const [i, { value, length }] of leaves.entries()) {
    const code = codes[i]!;
    const prefix = code >> (longest - ROOT_BITS);
    const bits = tailBits[prefix]!;
    const leaf = (length << 8) | value;
    if (length <= ROOT_BITS) {
      entries.fill(leaf, prefix, prefix + (1 << (ROOT_BITS - length)));
    } else {
      entries[prefix] = -((offsets[prefix]! << 4) | bits);
      const tail = (code >> (longest - ROOT_BITS - bits)) & ((1 << bits) - 1);
      const at = offsets[prefix]! + tail;
      entries.fill(leaf, at, at + (1 << (ROOT_BITS + bits - length)));
    }
  }
  return entries;
}

/** The 32 tables of pairs; undefined where all values are zero without a bit. */
export function pairTables(): readonly (HuffmanTable | undefined)[] {
  const byCode = new Map(Object.entries(PAIR_CODES).map(([table, code]) => [Number(table), lookup(code)]));
  return Array.from({ length: 32 }, (_, table) => {
    const entries = byCode.get(table < 16 ? table : table < 24 ? 16 : 24);
    return entries && { entries, linearBits: LINEAR_BITS[table - 16] ?? 0 };
  });
}

/** The two tables of four values. */
export function quadTables(): readonly Int32Array[] {
  return QUAD_CODES.map(lookup);
}
