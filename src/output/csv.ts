/**
 * Comma separated: start and end in whole milliseconds, then the text in quotes.
 * @see whisper.cpp, examples/cli: output_csv; RFC 4180 for the quotes
 */

import { roundHalfEven, strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';

export function writeCsv(transcript: Transcript): string {
  const ms = (seconds: number): number => roundHalfEven(1000 * seconds);
  const rows = transcript.segments.map(
    ({ start, end, text }) => `${ms(start)},${ms(end)},"${strip(text).replaceAll('"', '""')}"\n`,
  );
  return `start,end,text\n${rows.join('')}`;
}
