/** Tab separated: start and end in whole milliseconds, then the text. */

import { roundHalfEven, strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';

export function writeTsv(transcript: Transcript): string {
  const ms = (seconds: number): number => roundHalfEven(1000 * seconds);
  const rows = transcript.segments.map(
    (segment) => `${ms(segment.start)}\t${ms(segment.end)}\t${strip(segment.text).replaceAll('\t', ' ')}\n`,
  );
  return `start\tend\ttext\n${rows.join('')}`;
}
