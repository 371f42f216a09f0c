/**
 * Where Opus changes its mode, a SILK frame may carry 5 ms of CELT: 2.5 ms of it replace SILK, and over 2.5 ms one fades
 * into the other.
 *
 * @see RFC 6716, section 4.5.1
 */
import type { OpusRange } from './opusRange.ts';

/** At which end of the frame CELT is used. */
export type Redundancy = 'start' | 'end' | 'none';

/** 2.5 ms at 48 kHz. */
const FADE_LENGTH = 120;

/** Read after SILK's bits; the rest of that header matters to libopus only. */
export function readRedundancy(range: OpusRange, nBytes: number, isHybrid: boolean): Redundancy {
  const needed = isHybrid ? 37 : 17;
  if (range.bitsUsed + needed > 8 * nBytes) return 'none';
  if (isHybrid && range.bit(12) === 0) return 'none';
  return range.bit(1) === 1 ? 'start' : 'end';
}

/** SILK's share of each output sample of a frame, 0 to 1; shape [length] at 48 kHz */
export function silkShare(length: number, redundancy: Redundancy): Float32Array<ArrayBuffer> {
  const share = new Float32Array(length).fill(1);
  if (redundancy === 'none') return share;
  if (redundancy === 'start') share.fill(0, 0, FADE_LENGTH);
  for (let i = 0; i < FADE_LENGTH; i++) {
    // The square of CELT's window, RFC 6716, section 4.3.7.
    const slope = Math.sin((Math.PI / 2) * ((i + 0.5) / FADE_LENGTH)) ** 2;
    const rising = Math.sin((Math.PI / 2) * slope) ** 2;
    if (redundancy === 'start') share[FADE_LENGTH + i] = rising;
    else share[length - FADE_LENGTH + i] = 1 - rising;
  }
  return share;
}
