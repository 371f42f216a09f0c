/**
 * Names and messages on their way to a terminal. A file name may hold anything: a line break would make two messages of
 * one, an escape sequence could repaint the screen, a mark of direction could turn the rest of the line around.
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `a<line break>b` as `a\nb`, escapes as `\x1b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character.charCodeAt(0)));
}

/** The same line by line: the text has line breaks of its own. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n');
}

function escaped(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
