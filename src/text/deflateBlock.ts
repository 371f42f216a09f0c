/**
 * The size of one deflate block: counts symbols, builds the Huffman trees as zlib does and takes the smallest kind of block.
 *
 * @see zlib 1.2.13, trees.c: _tr_flush_block, build_tree, gen_bitlen, scan_tree, build_bl_tree
 */
const END_OF_BLOCK = 256;
const LITERALS = 286;
const DISTANCES = 30;
const LENGTH_CODES = 19;

/** Extra bits of length codes 257..285, of distance codes 0..29, of the code for code lengths. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = Array.from({ length: DISTANCES }, (_, code) => Math.max(0, (code >> 1) - 1));
const CODE_LENGTH_EXTRA = Array.from({ length: LENGTH_CODES }, (_, i) =>
  i === 16 ? 2 : i === 17 ? 3 : i === 18 ? 7 : 0,
);
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const literalExtra = (symbol: number): number => (symbol > END_OF_BLOCK ? LENGTH_EXTRA[symbol - 257]! : 0);
const fixedLiteralBits = (symbol: number): number => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8);
const fixedDistanceBits = (): number => 5;

/** Code of a match length 3..258 (285 is the length 258 alone) and of a distance from 1. */
function lengthCode(length: number): number {
  if (length === 258) return 285;
  const value = length - 3;
  if (value < 8) return 257 + value;
  const extra = 29 - Math.clz32(value);
  return 257 + 4 * extra + (value >> extra);
}

function distanceCode(distance: number): number {
  const value = distance - 1;
  if (value < 4) return value;
  const extra = 30 - Math.clz32(value);
  return 2 * extra + (value >> extra);
}

export interface Block {
  readonly symbols: number;
  literal(byte: number): void;
  match(length: number, distance: number): void;
  /** Ends the block, which encodes `bytes` bytes, and begins the next. @returns bits of the stream so far */
  close(bits: number, bytes: number): number;
}

export function createBlock(): Block {
  const literals = new Uint32Array(LITERALS);
  const distances = new Uint32Array(DISTANCES);
  let symbols = 0;
  return {
    get symbols() {
      return symbols;
    },
    literal(byte) {
      literals[byte]!++;
      symbols++;
    },
    match(length, distance) {
      literals[lengthCode(length)]!++;
      distances[distanceCode(distance)]!++;
      symbols++;
    },
    close(bits, bytes) {
      literals[END_OF_BLOCK] = 1;
      const size = blockBits(bits, bytes, literals, distances);
      literals.fill(0);
      distances.fill(0);
      symbols = 0;
      return size;
    },
  };
}

function blockBits(bits: number, bytes: number, literals: Uint32Array, distances: Uint32Array): number {
  const literalTree = buildTree(literals, literalExtra, 15, fixedLiteralBits);
  const distanceTree = buildTree(distances, (code) => DISTANCE_EXTRA[code]!, 15, fixedDistanceBits);

  // The code lengths of both trees are run-length coded and get a tree of their own.
  const runs = new Uint32Array(LENGTH_CODES);
  countRuns(literalTree, runs);
  countRuns(distanceTree, runs);
  const runTree = buildTree(
    runs,
    (code) => CODE_LENGTH_EXTRA[code]!,
    7,
    () => 0,
  );
  let last = LENGTH_CODES - 1;
  while (last >= 3 && runTree.lengths[CODE_LENGTH_ORDER[last]!] === 0) last--;

  const dynamic = literalTree.bits + distanceTree.bits + runTree.bits + 3 * (last + 1) + 5 + 5 + 4;
  const fixed = literalTree.fixedBits + distanceTree.fixedBits;
  const dynamicBytes = (dynamic + 3 + 7) >> 3;
  const fixedBytes = (fixed + 3 + 7) >> 3;
  const best = Math.min(dynamicBytes, fixedBytes);
  if (bytes + 4 <= best) return Math.ceil((bits + 3) / 8) * 8 + 8 * (4 + bytes);
  return bits + 3 + (fixedBytes === best ? fixed : dynamic);
}

interface HuffmanTree {
  /** Code length of each symbol, 0 for those that do not occur. */
  readonly lengths: Uint8Array;
  readonly maxCode: number;
  /** All symbols with their extra bits, in this tree's codes and in the fixed ones. */
  readonly bits: number;
  readonly fixedBits: number;
}

/**
 * Huffman code lengths of at most `maxLength` bits. The choice among several optimal trees (ties by depth, order of the
 * heap, how too long codes are shortened) changes the run lengths of the header, so all of it is as in zlib.
 */
function buildTree(
  counts: Uint32Array,
  extra: (symbol: number) => number,
  maxLength: number,
  fixedBits: (symbol: number) => number,
): HuffmanTree {
  const n = counts.length;
  const frequency = new Float64Array(2 * n);
  frequency.set(counts);
  const depth = new Uint8Array(2 * n);
  const parent = new Int32Array(2 * n);
  const heap: number[] = [];
  let maxCode = -1;
  for (let symbol = 0; symbol < n; symbol++) {
    if (counts[symbol] === 0) continue;
    heap.push(symbol);
    maxCode = symbol;
  }
  // A tree has at least two codes: unused symbols are added, and not counted.
  const forced: number[] = [];
  while (heap.length < 2) {
    const symbol = maxCode < 2 ? ++maxCode : 0;
    heap.push(symbol);
    frequency[symbol] = 1;
    forced.push(symbol);
  }

  const smaller = (a: number, b: number): boolean =>
    frequency[a]! < frequency[b]! || (frequency[a] === frequency[b] && depth[a]! <= depth[b]!);
  const sink = (at: number): void => {
    const value = heap[at]!;
    let i = at;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && smaller(heap[child + 1]!, heap[child]!)) child++;
      if (smaller(value, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = value;
  };
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i);

  /** Nodes in the order they were taken: least frequent first, the root last. */
  const taken: number[] = [];
  let node = n;
  do {
    const first = heap[0]!;
    heap[0] = heap[heap.length - 1]!;
    heap.pop();
    sink(0);
    const second = heap[0]!;
    taken.push(first, second);
    frequency[node] = frequency[first]! + frequency[second]!;
    depth[node] = Math.max(depth[first]!, depth[second]!) + 1;
    parent[first] = node;
    parent[second] = node;
    heap[0] = node++;
    sink(0);
  } while (heap.length >= 2);

  const length = new Int32Array(2 * n);
  const perLength = new Int32Array(maxLength + 1);
  let overflow = 0;
  for (let i = taken.length - 1; i >= 0; i--) {
    const at = taken[i]!;
    length[at] = length[parent[at]!]! + 1;
    if (length[at]! > maxLength) {
      length[at] = maxLength;
      overflow++;
    }
    if (at <= maxCode) perLength[length[at]!]!++;
  }
  if (overflow > 0) shorten(taken, length, perLength, overflow, maxCode);

  let bits = 0;
  let fixed = 0;
  for (let symbol = 0; symbol <= maxCode; symbol++) {
    bits += frequency[symbol]! * (length[symbol]! + extra(symbol));
    fixed += frequency[symbol]! * (fixedBits(symbol) + extra(symbol));
  }
  // As zlib's opt_len-- and static_len -= Len: one bit and the fixed code come off, extra bits stay.
  for (const symbol of forced) {
    bits -= 1;
    fixed -= fixedBits(symbol);
  }
  return { lengths: Uint8Array.from(length.subarray(0, n)), maxCode, bits, fixedBits: fixed };
}

/** Moves codes up until none is too long, then reassigns the lengths, the longest to the least frequent symbols. */
function shorten(
  taken: readonly number[],
  length: Int32Array,
  perLength: Int32Array,
  overflow: number,
  maxCode: number,
): void {
  const maxLength = perLength.length - 1;
  for (let left = overflow; left > 0; left -= 2) {
    let bits = maxLength - 1;
    while (perLength[bits] === 0) bits--;
    perLength[bits]!--;
    perLength[bits + 1]! += 2;
    perLength[maxLength]!--;
  }
  let i = 0;
  for (let bits = maxLength; bits > 0; bits--) {
    for (let count = perLength[bits]!; count > 0; ) {
      const at = taken[i++]!;
      if (at > maxCode) continue;
      length[at] = bits;
      count--;
    }
  }
}

/** Counts the symbols of one tree's run-length coded code lengths. */
function countRuns(tree: HuffmanTree, runs: Uint32Array): void {
  let previous = -1;
  let next = tree.lengths[0]!;
  let count = 0;
  let most = next === 0 ? 138 : 7;
  let least = next === 0 ? 3 : 4;
  for (let symbol = 0; symbol <= tree.maxCode; symbol++) {
    const current = next;
    next = symbol === tree.maxCode ? -1 : tree.lengths[symbol + 1]!;
    if (++count < most && current === next) continue;
    if (count < least) runs[current]! += count;
    else if (current !== 0) {
      if (current !== previous) runs[current]!++;
      runs[16]!++;
    } else runs[count <= 10 ? 17 : 18]!++;
    count = 0;
    previous = current;
    most = next === 0 ? 138 : current === next ? 6 : 7;
    least = next === 0 || current === next ? 3 : 4;
  }
}
