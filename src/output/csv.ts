/**
 * Comma separated: start and end in whole milliseconds, who speaks where that is known, then the text, both in quotes.
 * @see whisper.cpp, examples/cli: output_csv; RFC 4180 for the quotes
 */

import { roundHalfEven, strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { hasSpeakers } from './speakers.ts';

export function writeCsv(transcript: Transcript): string {
  const ms = (seconds: number): number => roundHalfEven(1000 * seconds);
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const isNamed = hasSpeakers(transcript);
  const rows = transcript.segments.map(({ start, end, speaker = '', text }) => {
    const who = isNamed ? [quoted(speaker)] : [];
    return `${[ms(start), ms(end), ...who, quoted(strip(text))].join(',')}\n`;
  });
  return `start,end,${isNamed ? 'speaker,' : ''}text\n${rows.join('')}`;
}
