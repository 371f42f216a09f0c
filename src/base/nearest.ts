/** The guess in "Did you mean ...?". */

/**
 * The candidate that a word was most likely meant to be: the word is its beginning, or few letters are wrong.
 *
 * @param word in the case of the candidates
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  // Of a short word most letters must be right: "x" is no misspelling of "f".
  const most = Math.max(word.length > 2 ? 2 : 1, word.length / 3);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of candidates) {
    const isBeginning = word.length > 1 && name.startsWith(word);
    if (!isBeginning && Math.abs(name.length - word.length) > most) continue;
    // Of several that begin so, the shortest.
    const distance = isBeginning ? 0.5 + name.length / 1000 : editDistance(word, name);
    if (!best || distance < best.distance) best = { name, distance };
  }
  return best && best.distance <= most && best.distance < word.length ? best.name : undefined;
}

/** Letters to insert, take away, change or swap with their neighbour to make b of a (Damerau, Levenshtein). */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(last[j - 1]! + (isSame ? 0 : 1), last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1);
      row.push(least);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
