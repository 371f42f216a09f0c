/** Word error rate after a simple normaliser: lower case, letters, digits and apostrophes alone. */

/** Words as they are compared. Numbers stay as they are written, so a transcript with digits costs errors. */
export function plainWords(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/\b(mr|mrs|dr)\./g, '$1')
    .replace(/[^\p{L}\p{M}\p{N}' ]/gu, ' ')
    .replace(/(^| )'+|'+(?= |$)/g, ' ');
  return plain.split(/\s+/).filter((word) => word !== '');
}

export interface ErrorRate {
  readonly errors: number;
  readonly words: number;
}

/** Least number of words to change, drop or put in to make `wanted` of `found` (Levenshtein). */
export function wordErrors(found: string, wanted: string): ErrorRate {
  const [a, b] = [plainWords(wanted), plainWords(found)];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  a.forEach((word, i) => {
    const row = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const changed = previous[j - 1]! + (word === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  });
  return { errors: previous[b.length]!, words: a.length };
}

export function percent({ errors, words }: ErrorRate): string {
  return `${((100 * errors) / words).toFixed(1)} %`;
}
