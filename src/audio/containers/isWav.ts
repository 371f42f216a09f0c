import { startsWith } from '../../base/bytes.ts';

/** Size of what every WAV file begins with (wavChunks.ts). */
export const RIFF_BYTES = 12;

/** @param head the first `RIFF_BYTES` of a recording, or more */
export function isWav(head: Uint8Array): boolean {
  return ['RIFF', 'RIFX', 'RF64', 'BW64'].some((name) => startsWith(head, name)) && startsWith(head, 'WAVE', 8);
}
