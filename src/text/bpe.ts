/**
 * Byte pair encoding over bytes, as in tiktoken: a token's rank is its id, so the vocabulary is enough to know which
 * neighbours are merged first (all 50000 merges of the Whisper tokenizers are in that order).
 *
 * Tokens are found by a hash table over the concatenated bytes, filled on first use: a Map of 50000 strings takes ten times
 * as long to build, and most runs encode a dozen short texts.
 */
import { WeightsError } from '../base/errors.ts';

/** Merges are ordered by rank, then by position: one number for both, rank * PLACES + position. */
const PLACES = 2 ** 31;

export class Vocabulary {
  /** Number of text tokens. */
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  /** Open addressing, id + 1 or 0. */
  #table: Uint16Array | Uint32Array | undefined;

  /**
   * @param bytes   of all tokens, concatenated
   * @param offsets token `id` is `bytes[offsets[id] .. offsets[id + 1]]`; shape [size + 1]
   */
  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.size = offsets.length - 1;
  }

  bytesOf(id: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[id]!, this.#offsets[id + 1]!);
  }

  /** Id of the token `text[begin..end]`, or -1. */
  find(text: Uint8Array, begin: number, end: number): number {
    const table = this.#filledTable();
    const mask = table.length - 1;
    for (let slot = hash(text, begin, end) & mask; ; slot = (slot + 1) & mask) {
      const id = table[slot]! - 1;
      if (id < 0) return -1;
      const from = this.#offsets[id]!;
      if (this.#offsets[id + 1]! - from === end - begin && equal(this.#bytes, from, text, begin, end - begin))
        return id;
    }
  }

  #filledTable(): Uint16Array | Uint32Array {
    if (this.#table) return this.#table;
    const mask = 2 ** Math.ceil(Math.log2(2 * this.size + 1)) - 1;
    const table = this.size < 2 ** 16 ? new Uint16Array(mask + 1) : new Uint32Array(mask + 1);
    for (let id = 0; id < this.size; id++) {
      const from = this.#offsets[id]!;
      const to = this.#offsets[id + 1]!;
      if (from === to) continue;
      let slot = hash(this.#bytes, from, to) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = id + 1;
    }
    this.#table = table;
    return table;
  }
}

/**
 * Tokens of one piece of text: beginning with single bytes, repeatedly merges the pair whose merged bytes have the lowest
 * id, the leftmost first. With a heap this takes n log n steps for hostile pieces of megabytes.
 *
 * @throws {WeightsError} `tokenizer` if the vocabulary lacks a single byte
 */
export function encodePiece(vocabulary: Vocabulary, piece: Uint8Array): number[] {
  const n = piece.length;
  const whole = vocabulary.find(piece, 0, n);
  if (whole >= 0) return [whole];

  // Part i is the bytes i .. next[i] - 1; next[i] is -1 if byte i is inside another part.
  const next = Int32Array.from({ length: n }, (_, i) => i + 1);
  const previous = Int32Array.from({ length: n + 1 }, (_, i) => i - 1);
  const joined = (i: number): number => {
    const middle = next[i]!;
    return middle < n ? vocabulary.find(piece, i, next[middle]!) : -1;
  };
  const heap = new MinHeap();
  const offer = (i: number): void => {
    const rank = joined(i);
    if (rank >= 0) heap.push(rank * PLACES + i);
  };
  for (let i = 0; i < n; i++) offer(i);
  for (let key = heap.pop(); key !== undefined; key = heap.pop()) {
    const i = key % PLACES;
    // Outdated: a neighbour has been merged with something else since.
    if (next[i] === -1 || joined(i) !== Math.floor(key / PLACES)) continue;
    const middle = next[i]!;
    next[i] = next[middle]!;
    next[middle] = -1;
    previous[next[i]!] = i;
    offer(i);
    if (previous[i]! >= 0) offer(previous[i]!);
  }

  const ids: number[] = [];
  for (let i = 0; i < n; i = next[i]!) {
    const id = vocabulary.find(piece, i, next[i]!);
    if (id < 0) throw new WeightsError('tokenizer', `The tokenizer has no token for the byte ${piece[i]}.`);
    ids.push(id);
  }
  return ids;
}

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array, begin: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = begin; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

function equal(a: Uint8Array, aBegin: number, b: Uint8Array, bBegin: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aBegin + i] !== b[bBegin + i]) return false;
  return true;
}

class MinHeap {
  readonly #keys: number[] = [];

  push(key: number): void {
    const keys = this.#keys;
    let i = keys.push(key) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[i] = keys[parent]!;
      i = parent;
    }
    keys[i] = key;
  }

  pop(): number | undefined {
    const keys = this.#keys;
    const top = keys[0];
    const last = keys.pop();
    if (last === undefined || keys.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= keys.length) break;
      if (child + 1 < keys.length && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= last) break;
      keys[i] = keys[child]!;
      i = child;
    }
    keys[i] = last;
    return top;
  }
}
