/** Plain text: one line a segment, after the name of who speaks where that is known. */

import { strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { speakerLabel } from './speakers.ts';

export function writeTxt(transcript: Transcript): string {
  return transcript.segments.map((segment) => `${speakerLabel(segment.speaker)}${strip(segment.text)}\n`).join('');
}
