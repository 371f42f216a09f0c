/**
 * Joint stereo of layer III: intensity (above the last line of the right channel that is not zero both channels are the left
 * one with a gain each) and M/S (sum and difference).
 *
 * @see ISO/IEC 11172-3, 2.4.3.4.9; ISO/IEC 13818-3, 2.4.3.2; the last band takes the position of the one before it, and a
 *   position is invalid from 7 (MPEG-1) or 16 on, as in ffmpeg's mpegaudiodec
 */
import type { MpegFrame } from '../../containers/mpegFrame.ts';
import { LONG_BANDS, SHORT_BANDS } from './scaleFactorBands.ts';
import { type Granule, LINES } from './sideInfo.ts';

/** Gains of the left channel by position, MPEG-1; the right one has them in reverse. */
const GAINS_1 = Float32Array.from({ length: 7 }, (_, position) => {
  const ratio = Math.tan((position * Math.PI) / 12);
  return position === 6 ? 1 : ratio / (1 + ratio);
});
const N_POSITIONS_2 = 16;

/** Turns the lines of a granule of joint stereo into left and right, in place. */
export function decodeStereo(header: MpegFrame, left: Granule, right: Granule): void {
  const usesIntensity = (header.modeExtension & 1) === 1;
  const usesMidSide = (header.modeExtension & 2) === 2;
  if (usesIntensity) {
    intensityStereo(header, left, right, usesMidSide);
  } else if (usesMidSide) {
    // `globalGain` has the factor sqrt(1/2).
    midSide(left.lines, right.lines, 0, LINES, 1);
  }
}

function midSide(left: Float32Array, right: Float32Array, from: number, to: number, scale: number): void {
  for (let i = from; i < to; i++) {
    const mid = left[i]!;
    const side = right[i]!;
    left[i] = Math.fround(mid + side) * scale;
    right[i] = Math.fround(mid - side) * scale;
  }
}

function intensityStereo(header: MpegFrame, left: Granule, right: Granule, usesMidSide: boolean): void {
  const isMpeg1 = header.version === 1;
  /** A step of MPEG-2's positions is 2 ** (-1/4) or 2 ** (-1/2). */
  const step = 2 ** (-((right.scaleFactorCompress & 1) + 1) / 4);
  const decodeBand = (from: number, to: number, position: number, isAboveLast: boolean): void => {
    if (!isAboveLast || position >= (isMpeg1 ? GAINS_1.length : N_POSITIONS_2)) {
      if (usesMidSide) midSide(left.lines, right.lines, from, to, Math.fround(Math.SQRT1_2));
      return;
    }
    const gain = Math.fround(step ** ((position + 1) >> 1));
    const isLeftLower = (position & 1) === 1;
    const leftGain = isMpeg1 ? GAINS_1[position]! : isLeftLower ? gain : 1;
    const rightGain = isMpeg1 ? GAINS_1[6 - position]! : isLeftLower ? 1 : gain;
    for (let i = from; i < to; i++) {
      const value = left.lines[i]!;
      left.lines[i] = value * leftGain;
      right.lines[i] = value * rightGain;
    }
  };
  const factors = right.scaleFactors;
  let end = LINES;
  let isAboveLast = true;

  // Downwards: first the short bands, where each of the three windows has a last line of its own.
  const aboveLast = [true, true, true];
  const shortBands = SHORT_BANDS[header.rateIndex]!;
  for (let band = 12; band >= right.shortStart; band--) {
    const k = right.longEnd + 3 * (Math.min(band, 11) - right.shortStart);
    for (let window = 2; window >= 0; window--) {
      const from = end - shortBands[band]!;
      if (!isZero(right.lines, from, end)) aboveLast[window] = false;
      decodeBand(from, end, factors[k + window]!, aboveLast[window]!);
      end = from;
    }
    isAboveLast = aboveLast[0]! && aboveLast[1]! && aboveLast[2]!;
  }
  const longBands = LONG_BANDS[header.rateIndex]!;
  for (let band = right.longEnd - 1; band >= 0; band--) {
    const from = end - longBands[band]!;
    if (isAboveLast && !isZero(right.lines, from, end)) isAboveLast = false;
    decodeBand(from, end, factors[Math.min(band, 20)]!, isAboveLast);
    end = from;
  }
}

function isZero(lines: Float32Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    if (lines[i] !== 0) return false;
  }
  return true;
}
