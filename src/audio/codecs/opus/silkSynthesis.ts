/**
 * SILK's two filters, as FFmpeg has them: in f32 and never rounded to 16 bits, each operation on its own. Here in plain
 * JavaScript, for where silkMachine.ts cannot run.
 *
 * @see RFC 6716, section 4.2.7.9; FFmpeg 5.1, libavcodec/opus_silk.c (facts only: precision, order of sums, limits)
 */
import type { OpusRange } from './opusRange.ts';
import { SilkExcitation } from './silkExcitation.ts';
import {
  emptyFrame,
  type F32Values,
  MAX_FRAME,
  MAX_ORDER,
  MAX_SUBFRAMES,
  N_TAPS,
  type SilkFrame,
} from './silkFrame.ts';

/** Samples that are kept: the longest pitch period, half of its taps, and twice the order of the longest filter. */
export const SILK_HISTORY = 288 + 2 + 32;

/** One channel, with the last samples, which the frames that follow are predicted from. */
export interface SilkSynthesis {
  /** What the next `run` synthesizes. */
  readonly frame: SilkFrame;
  /** Reads `frame.excitation`; parameters as of `SilkExcitation`. */
  readExcitation(range: OpusRange, signal: 0 | 1 | 2, hasOffset: 0 | 1): void;
  /** Limited to [-1, 1]; the last frame ends at `SILK_HISTORY`. */
  readonly output: F32Values;
  reset(): void;
  run(): void;
}

export class PlainSynthesis implements SilkSynthesis {
  readonly output = new Float64Array(SILK_HISTORY + MAX_FRAME);
  readonly #unlimited = new Float64Array(SILK_HISTORY + MAX_FRAME);
  /** Of the frame that is made; what comes before it is written first wherever it is read. */
  readonly #residual = new Float64Array(SILK_HISTORY + MAX_FRAME);
  readonly frame = emptyFrame({
    excitation: this.#residual.subarray(SILK_HISTORY),
    gains: new Float64Array(MAX_SUBFRAMES),
    lpc: new Float64Array(MAX_ORDER),
    lpcBefore: new Float64Array(MAX_ORDER),
    lags: new Int32Array(MAX_SUBFRAMES),
    taps: new Float64Array(MAX_SUBFRAMES * N_TAPS),
  });

  readonly #excitation = new SilkExcitation();

  readExcitation(range: OpusRange, signal: 0 | 1 | 2, hasOffset: 0 | 1): void {
    this.#excitation.read(range, this.frame.nSamples, signal, hasOffset, this.frame.excitation);
  }

  reset(): void {
    this.output.fill(0);
    this.#unlimited.fill(0);
  }

  run(): void {
    const { frame, output } = this;
    const { nSamples, nSubframes } = frame;
    const unlimited = this.#unlimited;
    const residual = this.#residual;
    const size = nSamples / nSubframes;
    for (let i = 0; i < nSubframes; i++) {
      const at = SILK_HISTORY + i * size;
      const lpc = filterOf(frame, i);
      if (frame.isVoiced) this.#addPitch(i, lpc, at, size);
      predict(residual, frame.gains[i]!, lpc, frame.order, unlimited, at, at + size);
      for (let j = at; j < at + size; j++) output[j] = limit(unlimited[j]!);
    }
    unlimited.copyWithin(0, nSamples, nSamples + SILK_HISTORY);
    output.copyWithin(0, nSamples, nSamples + SILK_HISTORY);
  }

  /** Adds the prediction from a pitch period before to the residual of subframe `i`. */
  #addPitch(i: number, lpc: F32Values, at: number, size: number): void {
    const { fround } = Math;
    const { frame, output } = this;
    const residual = this.#residual;
    const { order, gains, taps } = frame;
    const gain = gains[i]!;
    const lag = frame.lags[i]!;
    // Where the filter changed, the residual before it is what the new filter would leave of the output.
    const isOld = i < 2 || !frame.isInterpolated;
    const scale = isOld ? fround(frame.longTermScale) : 1;
    const end = isOld ? at - i * size : at - (i - 2) * size;
    for (let j = at - lag - 2; j < end; j++) {
      let sum = output[j]!;
      for (let k = 0; k < order; k++) sum = fround(sum - fround(lpc[k]! * output[j - 1 - k]!));
      residual[j] = fround(fround(limit(sum) * scale) / gain);
    }
    if (end < at) {
      const ratio = fround(gains[i - 1]! / gain);
      for (let j = end; j < at; j++) residual[j] = fround(residual[j]! * ratio);
    }
    for (let j = at; j < at + size; j++) {
      let sum = residual[j]!;
      for (let k = 0; k < N_TAPS; k++) sum = fround(sum + fround(taps[N_TAPS * i + k]! * residual[j - lag + 2 - k]!));
      residual[j] = sum;
    }
  }
}

function filterOf(frame: SilkFrame, subframe: number): F32Values {
  return subframe < 2 && frame.isInterpolated ? frame.lpcBefore : frame.lpc;
}

/** Each sample in `[from, to)`: the residual times the gain, then the samples before it, the last one first. */
function predict(
  residual: Float64Array,
  gain: number,
  lpc: F32Values,
  order: number,
  samples: Float64Array,
  from: number,
  to: number,
): void {
  const { fround } = Math;
  for (let j = from; j < to; j++) {
    let sum = fround(residual[j]! * gain);
    for (let k = 0; k < order; k++) sum = fround(sum + fround(lpc[k]! * samples[j - 1 - k]!));
    samples[j] = sum;
  }
}

function limit(value: number): number {
  return Math.min(Math.max(value, -1), 1);
}
