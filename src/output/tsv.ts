/** Tab separated: start and end in whole milliseconds, who speaks where that is known, then the text. */

import { roundHalfEven, strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { hasSpeakers } from './speakers.ts';

export function writeTsv(transcript: Transcript): string {
  const ms = (seconds: number): number => roundHalfEven(1000 * seconds);
  const cell = (text: string): string => text.replaceAll('\t', ' ');
  const isNamed = hasSpeakers(transcript);
  const rows = transcript.segments.map(({ start, end, speaker = '', text }) => {
    const who = isNamed ? [cell(speaker)] : [];
    return `${[ms(start), ms(end), ...who, cell(strip(text))].join('\t')}\n`;
  });
  return `start\tend\t${isNamed ? 'speaker\t' : ''}text\n${rows.join('')}`;
}
