/** Functions of Python and NumPy that openai/whisper's results depend on: what `strip()` removes, how halves are rounded. */

/** White space by `str.isspace`: with U+001C..1F and U+0085, without U+FEFF (JavaScript's `trim()` is the opposite). */
const WHITE_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const START = new RegExp(`^${WHITE_SPACE}+`, 'u');
const SPACE = new RegExp(WHITE_SPACE, 'u');

/** Python's `str.strip()`. */
export function strip(text: string): string {
  // A loop for the end: a regular expression that ends in `+$` takes quadratic time for long runs of spaces inside.
  let end = text.length;
  while (end > 0 && SPACE.test(text[end - 1]!)) end--;
  return text.slice(0, end).replace(START, '');
}

/** Python's `round(x)` and NumPy's `rint`: the nearest integer, halves to the even one. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const part = x - low;
  if (part !== 0.5) return part < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** NumPy's `round(x, 2)`: `rint(x * 100) / 100`, which is not always the decimal rounding of x. */
export function roundHundredths(x: number): number {
  return roundHalfEven(x * 100) / 100;
}
