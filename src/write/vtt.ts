/** WebVTT subtitles. */

import type { Transcript } from '../transcribe/transcribe.js';
import { formatTimestamp } from './timestamp.js';
import { cues, type WrapOptions } from './wrap.js';

export function writeVtt(transcript: Transcript, options: WrapOptions = {}): string {
  let text = 'WEBVTT\n\n';
  for (const cue of cues(transcript, options, (seconds) => formatTimestamp(seconds)))
    text += `${cue.start} --> ${cue.end}\n${cue.text}\n\n`;
  return text;
}
