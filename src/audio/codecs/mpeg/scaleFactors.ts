/**
 * Scale factors of a layer III granule, and the gain of each line that follows from them.
 *
 * @see ISO/IEC 11172-3, 2.4.2.7 and table B.6; ISO/IEC 13818-3, 2.4.3.2
 */
import type { MpegFrame } from '../../containers/mpegFrame.ts';
import type { MpegBits } from './mpegBits.ts';
import { LONG_BANDS, SHORT_BANDS } from './scaleFactorBands.ts';
import { type Granule, SHORT_BLOCKS } from './sideInfo.ts';

/** Bits of a scale factor in the lower and the upper bands, by `scaleFactorCompress`; MPEG-1. */
const LOW_BITS = [0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4];
const HIGH_BITS = [0, 1, 2, 3, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 2, 3];

/** Long bands of the four groups that granules may share; MPEG-1. */
const SHARED_GROUPS = [6, 5, 5, 5];

/** How many factors each of four groups has: of long, short and mixed blocks, by the range of `scaleFactorCompress`; MPEG-2. */
const GROUPS_2 = [
  [
    [6, 5, 5, 5],
    [9, 9, 9, 9],
    [6, 9, 9, 9],
  ],
  [
    [6, 5, 7, 3],
    [9, 9, 12, 6],
    [6, 9, 12, 6],
  ],
  [
    [11, 10, 0, 0],
    [18, 18, 0, 0],
    [15, 18, 0, 0],
  ],
  [
    [7, 7, 7, 0],
    [12, 12, 12, 0],
    [6, 15, 12, 0],
  ],
  [
    [6, 6, 6, 3],
    [12, 9, 9, 6],
    [6, 12, 9, 6],
  ],
  [
    [8, 8, 5, 0],
    [15, 12, 9, 0],
    [6, 18, 9, 0],
  ],
];

/**
 * The ranges of `scaleFactorCompress` in MPEG-2, each with its first value and the bases of the digits it is written in,
 * last group first; the first group has the rest. The second three are those of the right channel of intensity stereo.
 */
const RANGES_2 = [
  { first: 0, bases: [4, 4, 5] },
  { first: 400, bases: [1, 4, 5] },
  { first: 500, bases: [1, 1, 3] },
  { first: 0, bases: [1, 6, 6] },
  { first: 180, bases: [1, 4, 4] },
  { first: 244, bases: [1, 1, 3] },
];

/** Added to the scale factors of the upper long bands by `usesPreemphasis`. */
const PREEMPHASIS = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 2, 0];

/** @param first the first granule of the same channel, for factors that are shared */
export function readScaleFactors1(bits: MpegBits, granule: Granule, first: Granule): void {
  const low = LOW_BITS[granule.scaleFactorCompress]!;
  const high = HIGH_BITS[granule.scaleFactorCompress]!;
  const factors = granule.scaleFactors;
  let k = 0;
  if (granule.blockType === SHORT_BLOCKS) {
    const nLow = granule.isMixed ? 17 : 18;
    while (k < nLow) factors[k++] = bits.read(low);
    while (k < nLow + 18) factors[k++] = bits.read(high);
  } else {
    for (let group = 0; group < 4; group++) {
      const isShared = (granule.sharedGroups & (8 >> group)) !== 0;
      for (let i = 0; i < SHARED_GROUPS[group]!; i++, k++) {
        factors[k] = isShared ? first.scaleFactors[k]! : bits.read(group < 2 ? low : high);
      }
    }
  }
  factors.fill(0, k);
}

/** Sets the preemphasis too, which MPEG-2 has by range. */
export function readScaleFactors2(bits: MpegBits, header: MpegFrame, granule: Granule, channel: number): void {
  const isIntensity = (header.modeExtension & 1) === 1 && channel === 1;
  const compress = isIntensity ? granule.scaleFactorCompress >> 1 : granule.scaleFactorCompress;
  const base = isIntensity ? 3 : 0;
  const range = base + (compress < RANGES_2[base + 1]!.first ? 0 : compress < RANGES_2[base + 2]!.first ? 1 : 2);
  granule.usesPreemphasis = range === 2;
  const { first, bases } = RANGES_2[range]!;
  const nBits = [0, 0, 0, 0];
  let rest = compress - first;
  for (let group = 3; group > 0; group--) {
    const digits = bases[3 - group]!;
    nBits[group] = rest % digits;
    rest = Math.floor(rest / digits);
  }
  nBits[0] = rest;
  const kind = granule.blockType !== SHORT_BLOCKS ? 0 : granule.isMixed ? 2 : 1;
  const groups = GROUPS_2[range]![kind]!;
  const factors = granule.scaleFactors;
  let k = 0;
  for (let group = 0; group < 4; group++) {
    for (let i = 0; i < groups[group]!; i++) factors[k++] = bits.read(nBits[group]!);
  }
  factors.fill(0, k);
}

/** Exponents are kept positive by this. */
export const EXPONENT_BIAS = 400;

/** Writes the exponent of each line: its gain is 2 ** ((exponent - EXPONENT_BIAS) / 4). */
export function lineExponents(granule: Granule, rateIndex: number, exponents: Uint16Array): void {
  const gain = granule.globalGain - 210 + EXPONENT_BIAS;
  const shift = granule.scaleFactorShift;
  const factors = granule.scaleFactors;
  const longBands = LONG_BANDS[rateIndex]!;
  let line = 0;
  for (let band = 0; band < granule.longEnd; band++) {
    const factor = factors[band]! + (granule.usesPreemphasis ? PREEMPHASIS[band]! : 0);
    const exponent = gain - (factor << shift);
    for (const end = line + longBands[band]!; line < end; line++) exponents[line] = exponent;
  }
  const shortBands = SHORT_BANDS[rateIndex]!;
  let k = granule.longEnd;
  for (let band = granule.shortStart; band < 13; band++) {
    for (let window = 0; window < 3; window++) {
      const exponent = gain - 8 * granule.subblockGain[window]! - (factors[k++]! << shift);
      for (const end = line + shortBands[band]!; line < end; line++) exponents[line] = exponent;
    }
  }
}
