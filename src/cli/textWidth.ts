/** Columns of a terminal that a text takes: East Asian characters and pictographs take two, combining marks none. */
export function textWidth(text: string): number {
  let columns = 0;
  for (const character of text) columns += characterWidth(character);
  return columns;
}

export function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Hangul, kana, han and full-width forms; pictographs. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Beginning and end of a text with "…" between, in as many columns. */
export function shortenedTo(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  const characters = [...text];
  const end = fitting([...characters].reverse(), Math.floor((columns - 1) / 2)).reverse();
  const start = fitting(characters, columns - 1 - textWidth(end.join('')));
  return `${start.join('')}…${end.join('')}`;
}

/** As many of the characters as fit. */
export function fitting(characters: readonly string[], columns: number): string[] {
  let room = columns;
  const end = characters.findIndex((character) => {
    room -= characterWidth(character);
    return room < 0;
  });
  return characters.slice(0, end < 0 ? characters.length : end);
}
