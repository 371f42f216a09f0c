/** WebVTT subtitles. */

import type { Transcript } from '../transcribe/transcript.ts';
import { formatTimestamp } from './timestamp.ts';
import { cues, type WrapOptions } from './wrap.ts';

export function writeVtt(transcript: Transcript, options: WrapOptions = {}): string {
  let text = 'WEBVTT\n\n';
  for (const cue of cues(transcript, options, (seconds) => formatTimestamp(seconds)))
    text += `${cue.start} --> ${cue.end}\n${cue.text}\n\n`;
  return text;
}
