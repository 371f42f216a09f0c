/** Sizes as people read them: `151 MB`, `2.1 GB`. */
export function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(count >= 1e10 ? 0 : 1)} GB`;
  if (count >= 1e6) return `${Math.round(count / 1e6)} MB`;
  return count === 0 ? '0 MB' : `${Math.max(1, Math.round(count / 1e3))} kB`;
}
