/** A range of a file in pieces through a few buffers that are used again and again: no weight is in fresh memory on its way. */
import type { WeightSource } from './source.ts';

/** Of one piece: large against the cost of a call, small against a processor's last cache. */
const PIECE_BYTES = 2 ** 19;

/** Buffers that nobody reads from now; whoever takes one brings it back. */
export type BufferPool = Uint8Array<ArrayBuffer>[];

/**
 * Bytes `begin` to `end` in order; while one piece is used the next one is read. A piece is valid until the next is asked
 * for, and begins where every element type may lie.
 *
 * @throws what reading the source throws
 */
export async function* readPieces(
  source: WeightSource,
  begin: number,
  end: number,
  pool: BufferPool,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const buffers = [0, 1].map(() => pool.pop() ?? new Uint8Array(PIECE_BYTES));
  let count = 0;
  const read = (at: number): Promise<Uint8Array<ArrayBuffer>> => {
    const to = Math.min(end, at + PIECE_BYTES);
    const buffer = buffers[count++ % 2]!.subarray(0, to - at);
    return source.readInto ? source.readInto(at, buffer, signal).then(() => buffer) : source.read(at, to, signal);
  };
  let next = begin < end ? read(begin) : undefined;
  try {
    for (let at = begin; next; ) {
      const piece: Uint8Array<ArrayBuffer> = await next;
      at += piece.length;
      next = at < end ? read(at) : undefined;
      // Looked at in its turn; until then a failure is nobody's.
      next?.catch(() => {});
      yield piece.byteOffset % 4 === 0 ? piece : piece.slice();
    }
  } finally {
    // What is being read goes into a buffer that others will use.
    await next?.catch(() => {});
    pool.push(...buffers);
  }
}
