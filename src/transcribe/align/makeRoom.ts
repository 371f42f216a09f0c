/** Time for words that were found where nothing was recognised. */
import type { Found } from './candidates.ts';
import type { TextPiece } from './textMatch.ts';

/**
 * Words beside one that was not recognised have its time too: it is taken from them, and of two from the one that has more of
 * it, so that the other keeps the time that was found for it.
 */
export function makeRoom(pieces: readonly TextPiece[], found: Map<number, Found>): void {
  for (const [i, piece] of pieces.entries()) {
    if (!('gap' in piece) || piece.gap.heard.length > 0) continue;
    const own = piece.gap.known.filter((k) => found.has(k));
    const [first, last] = [found.get(own[0] ?? -1), found.get(own.at(-1) ?? -1)];
    if (!first || !last) continue;
    const before = neighbour(pieces[i - 1], found);
    const after = neighbour(pieces[i + 1], found);
    const overBefore = before ? before.word.end - first.start : 0;
    const overAfter = after ? last.end - after.word.start : 0;
    const isKept = overBefore > 0 && overAfter > 0 ? (overBefore < overAfter ? 'before' : 'after') : undefined;
    if (before && isKept !== 'before') shorten(found, before.known, { end: first.start });
    if (after && isKept !== 'after') shorten(found, after.known, { start: last.end });
    const low = before && isKept === 'before' ? before.word.end : 0;
    const high = after && isKept === 'after' ? after.word.start : Number.POSITIVE_INFINITY;
    const within = (time: number): number => Math.min(Math.max(time, low), high);
    for (const k of own) {
      const word = found.get(k)!; // `own` has those alone
      found.set(k, { ...word, start: within(word.start), end: within(word.end) });
    }
  }
}

function neighbour(
  piece: TextPiece | undefined,
  found: ReadonlyMap<number, Found>,
): { readonly known: number; readonly word: Found } | undefined {
  if (!piece || !('match' in piece)) return undefined;
  const { known } = piece.match;
  const word = found.get(known);
  return word && { known, word };
}

function shorten(found: Map<number, Found>, known: number, { start, end }: { start?: number; end?: number }): void {
  const word = found.get(known);
  if (!word) return;
  const from = Math.max(word.start, start ?? word.start);
  const to = Math.min(word.end, end ?? word.end);
  if (from < to) found.set(known, { ...word, start: from, end: to });
}
