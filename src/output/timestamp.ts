/** Times in subtitle files: `[HH:]MM:SS.mmm`. */
import { roundHalfEven } from '../base/python.ts';

/**
 * @param seconds not negative
 * @param alwaysIncludeHours also when they are 0
 * @param decimalMarker before the milliseconds
 * @see openai/whisper, whisper/utils.py, format_timestamp
 */
export function formatTimestamp(seconds: number, alwaysIncludeHours = false, decimalMarker = '.'): string {
  const total = roundHalfEven(seconds * 1000);
  const hours = Math.floor(total / 3_600_000);
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const front = alwaysIncludeHours || hours > 0 ? `${two(hours)}:` : '';
  return `${front}${two((total / 60_000) % 60)}:${two((total / 1000) % 60)}${decimalMarker}${String(total % 1000).padStart(3, '0')}`;
}
