/** Times in subtitle files: `[HH:]MM:SS.mmm`. */
import { roundHalfEven } from '../base/python.ts';

/**
 * @param seconds not negative
 * @param always  hours also when they are 0
 * @param mark    what stands before the milliseconds
 * @see openai/whisper, whisper/utils.py, format_timestamp
 */
export function formatTimestamp(seconds: number, always = false, mark = '.'): string {
  const total = roundHalfEven(seconds * 1000);
  const hours = Math.floor(total / 3_600_000);
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const front = always || hours > 0 ? `${two(hours)}:` : '';
  return `${front}${two((total / 60_000) % 60)}:${two((total / 1000) % 60)}${mark}${String(total % 1000).padStart(3, '0')}`;
}
