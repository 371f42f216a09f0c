/**
 * Rounds to the nearest integer, ties to the even one, as C's `lrint` and the CPU's conversions do.
 * After adding 1.5 * 2^52 no bit is left for a fraction, so the addition itself rounds. For |x| < 2^51.
 */
export function roundHalfEven(x: number): number {
  return x + 6755399441055744 - 6755399441055744;
}

export function clampInt16(x: number): number {
  return Math.max(-32768, Math.min(32767, x));
}
