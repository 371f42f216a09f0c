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
  const entries: number[] = new Array<number>(1 << ROOT_BITS).fill(0);
  const leaves = Array.from({ length: code.length / 3 }, (_, i) => ({
    value: Number.parseInt(code.slice(3 * i, 3 * i + 2), 16),
    length: Number.parseInt(code.charAt(3 * i + 2), 36),
  }));
  const longest = Math.max(...leaves.map(({ length }) => length));
  // Codes as fractions of 2 ** longest.
  const tailBits = new Map<number, number>();
  let at = 0;
  for (const { length } of leaves) {
    const prefix = Math.floor(at / 2 ** (longest - ROOT_BITS));
    if (length > ROOT_BITS) tailBits.set(prefix, Math.max(tailBits.get(prefix) ?? 0, length - ROOT_BITS));
    at += 2 ** (longest - length);
  }
  for (const [prefix, bits] of tailBits) {
    entries[prefix] = -((entries.length << 4) | bits);
    for (let i = 0; i < 1 << bits; i++) entries.push(0);
  }
  at = 0;
  for (const { value, length } of leaves) {
    const code = at / 2 ** (longest - length);
    const link = length > ROOT_BITS ? -entries[code >> (length - ROOT_BITS)]! : 0;
    const free = (length > ROOT_BITS ? ROOT_BITS + (link & 15) : ROOT_BITS) - length;
    const tail = length > ROOT_BITS ? code & ((1 << (length - ROOT_BITS)) - 1) : code;
    entries.fill((length << 8) | value, (link >> 4) + (tail << free), (link >> 4) + ((tail + 1) << free));
    at += 2 ** (longest - length);
  }
  return Int32Array.from(entries);
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
