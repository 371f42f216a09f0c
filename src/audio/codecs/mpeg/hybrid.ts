/**
 * From the spectrum of a layer III granule to samples of the 32 subbands: lines of short windows into turns, aliasing between
 * subbands reduced, inverse transforms.
 *
 * @see ISO/IEC 11172-3, 2.4.3.4.8 to 2.4.3.4.10
 */
import { LONG_WINDOWS, longBlock, SUBBAND_LINES, SUBBANDS, shortBlocks, silentBlock } from './imdct.ts';
import { LONG_BANDS, SHORT_BANDS } from './scaleFactorBands.ts';
import { type Granule, LINES, SHORT_BLOCKS } from './sideInfo.ts';

/** @see ISO/IEC 11172-3, table B.9 */
const ALIAS_COEFFICIENTS = [-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037];
const ALIAS_CS = Float32Array.from(ALIAS_COEFFICIENTS, (c) => 1 / Math.sqrt(1 + c * c));
const ALIAS_CA = Float32Array.from(ALIAS_COEFFICIENTS, (c) => c / Math.sqrt(1 + c * c));

const reordered = new Float32Array(LINES);

/** From one window after another in each band to line after line, three windows each; in place. */
function reorderShort(granule: Granule, rateIndex: number): void {
  const { lines } = granule;
  const longBands = LONG_BANDS[rateIndex]!;
  let start = 0;
  for (let band = 0; band < granule.longEnd; band++) start += longBands[band]!;
  let at = start;
  const shortBands = SHORT_BANDS[rateIndex]!;
  for (let band = granule.shortStart; band < 13; band++) {
    const width = shortBands[band]!;
    for (let i = 0; i < width; i++) {
      for (let window = 0; window < 3; window++) reordered[at + 3 * i + window] = lines[at + window * width + i]!;
    }
    at += 3 * width;
  }
  lines.set(reordered.subarray(start), start);
}

/** Undoes the aliasing at the lowest `n` borders between subbands. */
function reduceAliasing(lines: Float32Array, n: number): void {
  for (let border = SUBBAND_LINES; border <= n * SUBBAND_LINES; border += SUBBAND_LINES) {
    for (let i = 0; i < 8; i++) {
      const below = lines[border - 1 - i]!;
      const above = lines[border + i]!;
      const cs = ALIAS_CS[i]!;
      const ca = ALIAS_CA[i]!;
      lines[border - 1 - i] = below * cs - above * ca;
      lines[border + i] = below * ca + above * cs;
    }
  }
}

/**
 * Changes `granule.lines` too.
 *
 * @param overlap what the granule before left; shape [32, 18]
 * @param out shape [18, 32] from `from` on
 */
export function hybridSynthesis(
  granule: Granule,
  rateIndex: number,
  overlap: Float64Array,
  out: Float64Array,
  from: number,
): void {
  const { lines, blockType, isMixed } = granule;
  const isShort = blockType === SHORT_BLOCKS;
  if (isShort) reorderShort(granule, rateIndex);
  if (!isShort || isMixed) reduceAliasing(lines, isShort ? 1 : SUBBANDS - 1);
  synthesizeBlocks(granule, overlap, out, from);
}

/** The inverse transforms alone. */
export function synthesizeBlocks(granule: Granule, overlap: Float64Array, out: Float64Array, from: number): void {
  const { lines, blockType, isMixed } = granule;
  const isShort = blockType === SHORT_BLOCKS;
  let last = LINES - 1;
  while (last >= 0 && lines[last] === 0) last--;
  const nMixed = isMixed ? 2 : 0;
  // At least two, as in ffmpeg: it matters where short windows follow others than they may (see `shortBlocks`).
  const nActive = Math.max(Math.floor(last / SUBBAND_LINES) + 1, 2);
  for (let subband = 0; subband < nActive; subband++) {
    if (isShort && subband >= nMixed) {
      shortBlocks(lines, subband, overlap, out, from);
    } else {
      const type = subband < nMixed ? 0 : blockType;
      longBlock(lines, subband, LONG_WINDOWS[4 * (subband & 1) + type]!, overlap, out, from);
    }
  }
  for (let subband = nActive; subband < SUBBANDS; subband++) silentBlock(subband, overlap, out, from);
}
