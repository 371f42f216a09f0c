/** Plain text: one line a segment. */
import { strip } from '../numeric/python.js';
import type { Transcript } from '../transcribe/transcribe.js';

export function writeTxt(transcript: Transcript): string {
  return transcript.segments.map((segment) => `${strip(segment.text)}\n`).join('');
}
