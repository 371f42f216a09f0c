/**
 * Which quantisers layer II may choose from in each subband.
 *
 * @see ISO/IEC 11172-3, tables B.2 and B.4; ISO/IEC 13818-3, table B.1
 */
import type { MpegFrame } from '../../containers/mpegFrame.ts';

export interface Quantiser {
  readonly steps: number;
  /** Bits of one value, or of three that share a code (`isGrouped`). */
  readonly bits: number;
  readonly isGrouped: boolean;
}

const QUANTISERS: readonly Quantiser[] = [
  ...[3, 5, 7, 9].map((steps) => ({
    steps,
    bits: steps === 7 ? 3 : Math.ceil(Math.log2(steps ** 3)),
    isGrouped: steps !== 7,
  })),
  ...Array.from({ length: 13 }, (_, i) => ({ steps: 2 ** (i + 4) - 1, bits: i + 4, isGrouped: false })),
];

/** One subband: as many bits as choose from its quantisers, of which the first is none. */
export interface SubbandChoice {
  readonly bits: number;
  readonly quantisers: readonly (Quantiser | undefined)[];
}

/** A choice by the numbers of its quantisers above. */
function choice(...numbers: readonly number[]): SubbandChoice {
  return {
    bits: Math.log2(numbers.length + 1),
    quantisers: [undefined, ...numbers.map((number) => QUANTISERS[number]!)],
  };
}

const WIDE_LOW = choice(0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
const WIDE_MIDDLE = choice(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16);
const WIDE_HIGH = choice(0, 1, 2, 3, 4, 5, 16);
const WIDE_TOP = choice(0, 1, 16);
const NARROW_LOW = choice(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
const NARROW_HIGH = choice(0, 1, 3, 4, 5, 6, 7);
const LOW_RATE_LOW = choice(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
const LOW_RATE_TOP = choice(0, 1, 3);

function repeat(...parts: readonly (readonly [count: number, choice: SubbandChoice])[]): readonly SubbandChoice[] {
  return parts.flatMap(([count, choice]) => new Array<SubbandChoice>(count).fill(choice));
}

const WIDE = repeat([3, WIDE_LOW], [8, WIDE_MIDDLE], [12, WIDE_HIGH], [7, WIDE_TOP]);
const NARROW = repeat([2, NARROW_LOW], [10, NARROW_HIGH]);
const LOW_RATE = repeat([4, LOW_RATE_LOW], [7, NARROW_HIGH], [19, LOW_RATE_TOP]);

/** The choices of all subbands that a layer II frame has. */
export function subbandChoices({ version, nChannels, sampleRate, bitRate }: MpegFrame): readonly SubbandChoice[] {
  if (version !== 1) return LOW_RATE;
  const perChannel = Math.floor(bitRate / nChannels);
  if ((sampleRate === 48000 && perChannel >= 56) || (perChannel >= 56 && perChannel <= 80)) return WIDE.slice(0, 27);
  if (sampleRate !== 48000 && perChannel >= 96) return WIDE;
  return sampleRate !== 32000 && perChannel <= 48 ? NARROW.slice(0, 8) : NARROW;
}
