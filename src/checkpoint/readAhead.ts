/**
 * A remote file whose ranges are known in the order in which they will be read: neighbours come in one request, several
 * requests are in flight, and what has come waits for its reader, up to a bound. One request a tensor would wait for the
 * network 170 times with tiny, 1260 times with large.
 */
import { onAbort } from '../base/signals.ts';
import { Arrival } from './arrival.ts';
import { checkRange, type WeightSource } from './source.ts';

interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * Bytes of one request, and of the tensors among which neighbours are looked for. Chromium with its developer tools attached
 * takes twice as long for answers of less than 20 MB (measured; it seems to keep a copy of them).
 */
const PIECE_BYTES = 24 * 2 ** 20;
const MAX_IN_FLIGHT = 3;
/** Of all pieces that have been asked for and are not read yet. */
const MAX_HELD_BYTES = MAX_IN_FLIGHT * PIECE_BYTES;

interface Piece extends ByteRange {
  arrival: Arrival | undefined;
  /** Bytes that are still to be read from it. */
  left: number;
}

/**
 * @param ranges disjoint, in the order of use; other ranges are read as if there were no plan
 * @param signal ends what is in flight, as closing does
 * @returns `source`, read ahead from the first read on
 */
export function readAhead(
  source: WeightSource,
  ranges: readonly ByteRange[],
  signal: AbortSignal | undefined,
): WeightSource {
  const pieces = cutPieces(ranges);
  const byPosition = [...pieces].sort((a, b) => a.begin - b.begin);
  const inner = new AbortController();
  const release = onAbort(signal, () => inner.abort(signal?.reason));
  let next = 0;
  let inFlight = 0;
  let heldBytes = 0;

  const start = (piece: Piece): Arrival => {
    inFlight++;
    const { begin, end } = piece;
    heldBytes += end - begin;
    // Who reads it gets the error.
    piece.arrival = new Arrival(begin, source.stream?.(begin, end, inner.signal) ?? whole(source, piece, inner.signal));
    void piece.arrival.done.then(() => {
      inFlight--;
      fill();
    });
    return piece.arrival;
  };
  const hasRoom = ({ begin, end }: Piece): boolean => heldBytes + end - begin <= MAX_HELD_BYTES;
  const fill = (): void => {
    for (let piece = pieces[next]; piece && !inner.signal.aborted; piece = pieces[++next]) {
      if (piece.arrival || piece.left === 0) continue; // somebody was quicker
      if (inFlight >= MAX_IN_FLIGHT || !hasRoom(piece)) return;
      start(piece);
    }
  };
  const readPart = async (piece: Piece, begin: number, target: Uint8Array): Promise<void> => {
    const isKept = piece.arrival !== undefined || (piece.left > 0 && hasRoom(piece));
    if (isKept) await (piece.arrival ?? start(piece)).copy(begin, target);
    else target.set(await source.read(begin, begin + target.length, inner.signal));
    piece.left = Math.max(0, piece.left - target.length);
    if (piece.arrival && piece.left === 0) {
      piece.arrival = undefined;
      heldBytes -= piece.end - piece.begin;
    }
    fill();
  };
  const readInto = async (begin: number, target: Uint8Array<ArrayBuffer>, readSignal?: AbortSignal): Promise<void> => {
    const end = begin + target.length;
    const parts = overlapping(byPosition, begin, end);
    const covered = parts.reduce((sum, part) => sum + Math.min(end, part.end) - Math.max(begin, part.begin), 0);
    if (covered !== target.length || covered === 0) {
      target.set(await source.read(begin, end, readSignal));
      return;
    }
    fill();
    for (const piece of parts) {
      const from = Math.max(begin, piece.begin);
      await readPart(piece, from, target.subarray(from - begin, Math.min(end, piece.end) - begin));
      readSignal?.throwIfAborted();
    }
  };
  return {
    name: source.name,
    size: source.size,
    isRemote: true,
    async read(begin, end, readSignal) {
      checkRange(source, begin, end);
      const bytes = new Uint8Array(end - begin);
      await readInto(begin, bytes, readSignal);
      return bytes;
    },
    readInto,
    async close() {
      release();
      inner.abort(undefined);
      await source.close?.();
    },
  };
}

async function* whole(
  source: WeightSource,
  { begin, end }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  yield await source.read(begin, end, signal);
}

/** Neighbours among those that are used soon after one another, joined and cut to the size of a request. */
function cutPieces(ranges: readonly ByteRange[]): readonly Piece[] {
  const pieces: Piece[] = [];
  const finish = (group: ByteRange[]): void => {
    for (const { begin, end } of joined(group)) {
      for (let at = begin; at < end; at += PIECE_BYTES) {
        const to = Math.min(end, at + PIECE_BYTES);
        pieces.push({ begin: at, end: to, arrival: undefined, left: to - at });
      }
    }
  };
  let group: ByteRange[] = [];
  let bytes = 0;
  for (const range of ranges) {
    if (range.begin === range.end) continue;
    if (bytes + range.end - range.begin > PIECE_BYTES && group.length > 0) {
      finish(group);
      group = [];
      bytes = 0;
    }
    group.push(range);
    bytes += range.end - range.begin;
  }
  finish(group);
  return pieces;
}

/** By position, with what touches made one. */
function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const runs: { begin: number; end: number }[] = [];
  for (const { begin, end } of [...ranges].sort((a, b) => a.begin - b.begin)) {
    const last = runs.at(-1);
    if (last?.end === begin) last.end = end;
    else runs.push({ begin, end });
  }
  return runs;
}

/** The pieces, sorted by position, that have bytes of `begin` to `end`. */
function overlapping(pieces: readonly Piece[], begin: number, end: number): readonly Piece[] {
  let low = 0;
  for (let high = pieces.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (pieces[middle]!.end <= begin) low = middle + 1;
    else high = middle;
  }
  let last = low;
  while (last < pieces.length && pieces[last]!.begin < end) last++;
  return pieces.slice(low, last);
}
