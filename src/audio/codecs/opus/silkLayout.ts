/** Where SILK's machine of WebAssembly has what in its memory, one page: what both channels share, then those. */
import { MAX_FRAME_BYTES } from './opusPacket.ts';
import { MAX_BLOCKS, PULSE_COUNT_WITH_ALL_LOW_BITS } from './silkExcitation.ts';
import { MAX_FRAME, MAX_ORDER, MAX_SUBFRAMES, N_TAPS } from './silkFrame.ts';
import { MINUS_SIGN, PULSE_COUNT, PULSE_COUNT_WITH_LOW_BITS, PULSE_SPLIT } from './silkPulseTables.ts';
import { SILK_HISTORY } from './silkSynthesis.ts';

/** Bytes from one distribution to the next, of its kind. */
export const DISTRIBUTION = 32;
export const SIGNS = 8;
/** Distributions of how many pulses a block has: by rate, then with low bits, then with all of them. */
const COUNTS = [...PULSE_COUNT, PULSE_COUNT_WITH_LOW_BITS, PULSE_COUNT_WITH_ALL_LOW_BITS];
export const COUNTS_WITH_LOW_BITS = PULSE_COUNT.length;
export const COUNTS_WITH_ALL_LOW_BITS = PULSE_COUNT.length + 1;
/** By level and pulses. */
const SPLITS = PULSE_SPLIT.flat();
/** By signal and offset. */
const MINUS = MINUS_SIGN.flat();

/** In bytes from the start. */
export const SHARED = placed({
  /** A byte that is 0. */
  zero: 4,
  /** `OpusRange.state`. */
  range: 12,
  /** Of the frame. */
  bytes: 4 * Math.ceil(MAX_FRAME_BYTES / 4),
  nPulses: 4 * MAX_BLOCKS,
  nLowBits: 4 * MAX_BLOCKS,
  counts: DISTRIBUTION * COUNTS.length,
  splits: DISTRIBUTION * SPLITS.length,
  minus: SIGNS * MINUS.length,
});

/** Values of a channel's arrays. */
export const LENGTHS = {
  gains: MAX_SUBFRAMES,
  lags: MAX_SUBFRAMES,
  taps: MAX_SUBFRAMES * N_TAPS,
  lpc: MAX_ORDER,
  lpcBefore: MAX_ORDER,
  output: SILK_HISTORY + MAX_FRAME,
  unlimited: SILK_HISTORY + MAX_FRAME,
  residual: SILK_HISTORY + MAX_FRAME,
} as const;

/** Where they begin, in bytes from the channel's base. */
export const AT = placed(
  Object.fromEntries(Object.entries(LENGTHS).map(([name, length]) => [name, 4 * length])) as typeof LENGTHS,
);

export const CHANNEL_BASES = [SHARED.end, SHARED.end + AT.end] as const;

/** Writes the tables. */
export function writeTables(buffer: ArrayBuffer): void {
  const bytes = new Uint8Array(buffer);
  for (const [i, row] of COUNTS.entries()) bytes.set(row, SHARED.counts + DISTRIBUTION * i);
  for (const [i, row] of SPLITS.entries()) bytes.set(row, SHARED.splits + DISTRIBUTION * i);
  for (const [i, row] of MINUS.entries()) bytes.set(row, SHARED.minus + SIGNS * i);
}

/** One after the other; `end` is behind the last. */
function placed<Name extends string>(sizes: Readonly<Record<Name, number>>): Readonly<Record<Name | 'end', number>> {
  const places: Record<string, number> = {};
  let at = 0;
  for (const [name, size] of Object.entries<number>(sizes)) {
    places[name] = at;
    at += size;
  }
  places.end = at;
  return places as Record<Name | 'end', number>; // one for each key
}
