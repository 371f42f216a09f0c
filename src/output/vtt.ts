/** WebVTT subtitles; who speaks is in a voice tag. @see https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span */

import type { Transcript } from '../transcribe/transcript.ts';
import { formatTimestamp } from './timestamp.ts';
import { cues, type WrapOptions } from './wrap.ts';

export function writeVtt(transcript: Transcript, options: WrapOptions = {}): string {
  let text = 'WEBVTT\n\n';
  for (const cue of cues(
    transcript,
    options,
    (seconds) => formatTimestamp(seconds),
    () => '',
  ))
    text += `${cue.start} --> ${cue.end}\n${voiceTag(cue.speaker)}${cue.text}\n\n`;
  return text;
}

/** A voice lasts to the end of its cue: an end tag may be left out. */
function voiceTag(speaker: string | undefined): string {
  if (speaker === undefined) return '';
  const name = speaker.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<v ${name}>`;
}
