/**
 * The size of zlib's output at its default level 6, header and checksum included, without the output itself.
 *
 * Whisper's quality check compares a ratio of it with 2.4, and the zlibs of JavaScript runtimes are forks that give other
 * sizes (nodejs/node#50138). So this is the algorithm of stock zlib: hash chains with lazy matching (which RFC 1951 leaves
 * open), then the smallest of stored, fixed and dynamic blocks. Exact up to 32 KiB, where zlib's window begins to slide;
 * the text of one of Whisper's windows has a few hundred bytes.
 *
 * @see RFC 1950, RFC 1951; zlib 1.2.13: deflate.c (deflate_slow, longest_match), trees.c (build_tree, scan_tree)
 */
import { createBlock } from './deflateBlock.ts';

// zlib's configuration_table[6], and its limits.
const GOOD_LENGTH = 8;
const MAX_LAZY = 16;
const NICE_LENGTH = 128;
const MAX_CHAIN = 128;
const MIN_MATCH = 3;
const MAX_MATCH = 258;
const MAX_DISTANCE = 32768 - 262;
/** A match of three bytes at a larger distance costs more than three literals. */
const TOO_FAR = 4096;
/** memLevel 8: a block is closed at so many symbols. */
const BLOCK_SYMBOLS = 16383;

/** @returns length of `zlib.compress(data)`, at least 8 */
export function deflateLength(data: Uint8Array): number {
  const n = data.length;
  const head = new Int32Array(32768).fill(-1);
  const previous = new Int32Array(n).fill(-1);
  /** Inserts position `at`. @returns the last position with the same hash, or -1 */
  const insert = (at: number): number => {
    const key = ((data[at]! << 10) ^ (data[at + 1]! << 5) ^ data[at + 2]!) & 32767;
    const last = head[key]!;
    previous[at] = last;
    head[key] = at;
    return last;
  };

  let matchStart = 0;
  /** Length of the longest match for position `at`, if longer than `best`. */
  const longestMatch = (at: number, candidate: number, best: number): number => {
    const lookahead = n - at;
    const nice = Math.min(NICE_LENGTH, lookahead);
    const limit = Math.max(at - MAX_DISTANCE, 0);
    const most = Math.min(MAX_MATCH, lookahead);
    let chain = best >= GOOD_LENGTH ? MAX_CHAIN >> 2 : MAX_CHAIN;
    let length = best;
    for (let from = candidate; ; from = previous[from]!) {
      if (data[from + length] === data[at + length] && data[from + length - 1] === data[at + length - 1]) {
        let same = 0;
        while (same < most && data[from + same] === data[at + same]) same++;
        if (same > length) {
          matchStart = from;
          length = same;
          if (same >= nice) break;
        }
      }
      // Position 0 stands for "none" in zlib and is never matched.
      if (previous[from]! <= limit || --chain === 0) break;
    }
    return Math.min(length, lookahead);
  };

  const block = createBlock();
  let bits = 0;
  let blockStart = 0;
  const flush = (end: number): void => {
    bits = block.close(bits, end - blockStart);
    blockStart = end;
  };

  let length = MIN_MATCH - 1;
  let hasPendingLiteral = false;
  let at = 0;
  while (at < n) {
    const candidate = n - at >= MIN_MATCH ? insert(at) : -1;
    const lastLength = length;
    const lastStart = matchStart;
    length = MIN_MATCH - 1;
    if (candidate > 0 && lastLength < MAX_LAZY && at - candidate <= MAX_DISTANCE) {
      length = longestMatch(at, candidate, lastLength);
      if (length === MIN_MATCH && at - matchStart > TOO_FAR) length = MIN_MATCH - 1;
    }
    if (lastLength >= MIN_MATCH && length <= lastLength) {
      // The match that began one byte earlier is no worse: it is taken.
      block.match(lastLength, at - 1 - lastStart);
      const end = at - 1 + lastLength;
      while (++at < end) if (at <= n - MIN_MATCH) insert(at);
      hasPendingLiteral = false;
      length = MIN_MATCH - 1;
      if (block.symbols === BLOCK_SYMBOLS) flush(at);
    } else {
      if (hasPendingLiteral) {
        block.literal(data[at - 1]!);
        if (block.symbols === BLOCK_SYMBOLS) flush(at);
      }
      hasPendingLiteral = true;
      at++;
    }
  }
  if (hasPendingLiteral) block.literal(data[n - 1]!);
  flush(n);
  return 2 + Math.ceil(bits / 8) + 4;
}
