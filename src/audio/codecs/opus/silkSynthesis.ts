/**
 * SILK's two filters, as FFmpeg has them: in f32 and never rounded to 16 bits, each operation on its own.
 *
 * @see RFC 6716, section 4.2.7.9; FFmpeg 5.1, libavcodec/opus_silk.c (facts only: precision, order of sums, limits)
 */
import type { SilkFrame } from './silkFrame.ts';

/** Samples that are kept: the longest pitch period, half of its taps, and twice the order of the longest filter. */
export const SILK_HISTORY = 288 + 2 + 32;
/** Samples of the longest frame. */
const MAX_FRAME = 320;
const N_TAPS = 5;

/** The last samples of one channel, which the frames that follow are predicted from. */
export class SilkSynthesis {
  /** Limited to [-1, 1]; the last frame ends at `SILK_HISTORY`. */
  readonly output = new Float32Array(SILK_HISTORY + MAX_FRAME);
  readonly #unlimited = new Float32Array(SILK_HISTORY + MAX_FRAME);

  reset(): void {
    this.output.fill(0);
    this.#unlimited.fill(0);
  }

  run(frame: SilkFrame): void {
    const { output } = this;
    const unlimited = this.#unlimited;
    const { fround } = Math;
    const size = frame.excitation.length / frame.subframes.length;
    const residual = new Float32Array(SILK_HISTORY + frame.excitation.length);
    residual.set(frame.excitation, SILK_HISTORY);
    for (const [i, { gain, lpc }] of frame.subframes.entries()) {
      const at = SILK_HISTORY + i * size;
      if (frame.isVoiced) this.#addPitch(frame, i, residual, at, size);
      for (let j = at; j < at + size; j++) {
        let sum = fround(residual[j]! * gain);
        for (let k = 0; k < lpc.length; k++) sum = fround(sum + fround(lpc[k]! * unlimited[j - 1 - k]!));
        unlimited[j] = sum;
        output[j] = limit(sum);
      }
    }
    unlimited.copyWithin(0, frame.excitation.length, frame.excitation.length + SILK_HISTORY);
    output.copyWithin(0, frame.excitation.length, frame.excitation.length + SILK_HISTORY);
  }

  /** Adds the prediction from a pitch period before to the residual of subframe `i`. */
  #addPitch(frame: SilkFrame, i: number, residual: Float32Array, at: number, size: number): void {
    const { fround } = Math;
    const { output } = this;
    const { gain, lpc, lag, taps } = frame.subframes[i]!;
    // Where the filter changed, the residual before it is what the new filter would leave of the output.
    const isOld = i < 2 || !frame.isInterpolated;
    const scale = isOld ? fround(frame.longTermScale) : 1;
    const end = isOld ? at - i * size : at - (i - 2) * size;
    for (let j = at - lag - 2; j < end; j++) {
      let sum = output[j]!;
      for (let k = 0; k < lpc.length; k++) sum = fround(sum - fround(lpc[k]! * output[j - 1 - k]!));
      residual[j] = fround(limit(sum) * scale) / gain;
    }
    if (end < at) {
      const ratio = fround(frame.subframes[i - 1]!.gain / gain);
      for (let j = end; j < at; j++) residual[j] = residual[j]! * ratio;
    }
    for (let j = at; j < at + size; j++) {
      let sum = residual[j]!;
      for (let k = 0; k < N_TAPS; k++) sum = fround(sum + fround(taps[k]! * residual[j - lag + 2 - k]!));
      residual[j] = sum;
    }
  }
}

function limit(value: number): number {
  return Math.min(Math.max(value, -1), 1);
}
