/** SubRip subtitles: numbered cues, hours always, a comma before the milliseconds. */

import type { Transcript } from '../transcribe/transcript.ts';
import { formatTimestamp } from './timestamp.ts';
import { cues, type WrapOptions } from './wrap.ts';

export function writeSrt(transcript: Transcript, options: WrapOptions = {}): string {
  const format = (seconds: number): string => formatTimestamp(seconds, true, ',');
  let text = '';
  let n = 1;
  for (const cue of cues(transcript, options, format)) text += `${n++}\n${cue.start} --> ${cue.end}\n${cue.text}\n\n`;
  return text;
}
