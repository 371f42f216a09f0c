/**
 * What of two words is compared: letters and digits, without case and marks, so that "Well-known," is "well" and "known". In
 * languages without spaces each character is compared for itself, since words are cut there as tokens happen to fall.
 */

/** @returns none for a word of marks alone */
export function unitsOf(word: string, isUnspaced: boolean): string[] {
  const plain = word.normalize('NFKC').toLowerCase();
  if (isUnspaced) return plain.match(/[\p{L}\p{N}]\p{M}*/gu) ?? [];
  // An apostrophe within a word is no end of it: "don't" and "dont" are one.
  return plain.replace(/['\u2019\u02bc]/gu, '').match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
}
