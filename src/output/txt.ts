/** Plain text: one line a segment. */

import { strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';

export function writeTxt(transcript: Transcript): string {
  return transcript.segments.map((segment) => `${strip(segment.text)}\n`).join('');
}
