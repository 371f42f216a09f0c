/** Who speaks, in text: `Ada: Good morning.` */
import type { Transcript } from '../transcribe/transcript.ts';

/** Does the transcript say who speaks? */
export function hasSpeakers({ segments }: Transcript): boolean {
  return segments.some(({ speaker }) => speaker !== undefined);
}

/** What stands before somebody's text; nothing where it is not known who speaks. */
export function speakerLabel(speaker: string | undefined): string {
  return speaker === undefined ? '' : `${speaker}: `;
}
