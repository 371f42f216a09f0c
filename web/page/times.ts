/** Times as people read them. */

/** @returns `1:02:03`, `2:03` */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** Where and when the work was, to say from how it went on since how long the rest will take. */
export interface PaceMark {
  readonly reached: number;
  /** Milliseconds. */
  readonly at: number;
}

/**
 * How long the rest will take; empty while that is not known well enough.
 *
 * @param from the first sign that the work went on
 * @param now  milliseconds
 */
export function leftOf(
  { reached, total }: { readonly reached: number; readonly total: number },
  from: PaceMark | undefined,
  now: number,
): string {
  const seconds = from === undefined ? 0 : (now - from.at) / 1000;
  const gone = reached - (from?.reached ?? 0);
  if (seconds < 3 || gone < 0.01 * total) return '';
  const left = (seconds * (total - reached)) / gone;
  if (left < 5) return ', a moment left';
  return left < 90 ? `, ${Math.ceil(left / 5) * 5} s left` : `, ${Math.ceil(left / 60)} min left`;
}
