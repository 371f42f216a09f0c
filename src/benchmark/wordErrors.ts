/**
 * How far two texts are apart: words to insert, take away or exchange, without case and punctuation. Of Chinese and Japanese,
 * which leave no spaces, each character is a word.
 */

export interface WordErrors {
  /** Words of the text that is held to be right. */
  readonly words: number;
  readonly errors: number;
}

export function wordErrors(right: string, given: string): WordErrors {
  const words = wordsOf(right);
  return { words: words.length, errors: editDistance(words, wordsOf(given)) };
}

/** The fewest items to insert, take away or exchange that make one list of the other (Levenshtein 1966). */
export function editDistance<T extends string | number>(a: readonly T[], b: readonly T[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, item] of a.entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const exchange = row[j - 1]! + (b[j - 1] === item ? 0 : 1);
      next.push(Math.min(exchange, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Errors as a share of the words, in percent. */
export function wordErrorRate({ words, errors }: WordErrors): number {
  return (100 * errors) / Math.max(1, words);
}

const DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** The digits of a text alone, spoken or written, one by one: "six nine", "69" and "6, 9." are the same. */
export function spokenDigits(text: string): string {
  const written = text.toLowerCase().replace(/\p{L}+/gu, (word) => {
    const digit = DIGITS.indexOf(word === 'oh' ? 'zero' : word);
    return digit < 0 ? '' : String(digit);
  });
  return [...written.replace(/\D/g, '')].join(' ');
}

const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー])[\p{L}\p{N}\p{M}'])+/gu;

function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? [];
}
