/** Times as people read them. */

/** @returns `1:02:03`, `2:03` */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/**
 * How long the rest will take, by how long the part that is done took; empty while that is not known well enough.
 *
 * @param since milliseconds, when the work began
 * @param now   milliseconds
 */
export function leftOf(
  { reached, total }: { readonly reached: number; readonly total: number },
  since: number | undefined,
  now: number,
): string {
  const seconds = since === undefined ? 0 : (now - since) / 1000;
  if (reached <= 0 || seconds < 3) return '';
  const left = (seconds * (total - reached)) / reached;
  if (left < 5) return ', a moment left';
  return left < 90 ? `, ${Math.ceil(left / 5) * 5} s left` : `, ${Math.ceil(left / 60)} min left`;
}
