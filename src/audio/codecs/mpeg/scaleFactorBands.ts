/**
 * Widths of the scale factor bands of layer III, in spectral lines, by sample rate: 44.1, 48, 32, 22.05, 24, 16, 11.025, 12
 * and 8 kHz (`MpegFrame.rateIndex`).
 *
 * One edge is not the standard's: at 24 kHz its 18th long band ends at line 332, and at 330 in ffmpeg to 5.1 and later, by
 * which openai/whisper reads its files. Two lines of a granule, at 6.9 kHz, get the gain of the next band; we do as it does,
 * since the same words from the same file is what we are for. (Newer ffmpeg, mpg123 and LAME have 332: widths 54, 62.)
 *
 * @see ISO/IEC 11172-3, table B.8; ISO/IEC 13818-3, table B.2. MPEG-2.5 has the bands of 16 kHz, and at 8 kHz its own.
 */

const LONG_LOW = [6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54];
const SHORT_LOW = [4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18];

/** Shape [9][22], a sum of 576 each. */
export const LONG_BANDS: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 4, 4, 6, 6, 8, 8, 10, 12, 16, 20, 24, 28, 34, 42, 50, 54, 76, 158],
  [4, 4, 4, 4, 4, 4, 6, 6, 6, 8, 10, 12, 16, 18, 22, 28, 34, 40, 46, 54, 54, 192],
  [4, 4, 4, 4, 4, 4, 6, 6, 8, 10, 12, 16, 20, 24, 30, 38, 46, 56, 68, 84, 102, 26],
  LONG_LOW,
  [6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 18, 22, 26, 32, 38, 46, 52, 64, 70, 76, 36],
  LONG_LOW,
  LONG_LOW,
  LONG_LOW,
  [12, 12, 12, 12, 12, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 76, 90, 2, 2, 2, 2, 2],
];

/** Shape [9][13], a sum of 192 each: lines of one of the three windows. */
export const SHORT_BANDS: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 6, 8, 10, 12, 14, 18, 22, 30, 56],
  [4, 4, 4, 4, 6, 6, 10, 12, 14, 16, 20, 26, 66],
  [4, 4, 4, 4, 6, 8, 12, 16, 20, 26, 34, 42, 12],
  [4, 4, 4, 6, 6, 8, 10, 14, 18, 26, 32, 42, 18],
  [4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 32, 44, 12],
  SHORT_LOW,
  SHORT_LOW,
  SHORT_LOW,
  [8, 8, 8, 12, 16, 20, 24, 28, 36, 2, 2, 2, 26],
];

/** First line of each long band, and 576; shape [9][23]. */
export const LONG_STARTS: readonly (readonly number[])[] = LONG_BANDS.map((widths) => {
  const starts = [0];
  for (const width of widths) starts.push(starts.at(-1)! + width);
  return starts;
});
