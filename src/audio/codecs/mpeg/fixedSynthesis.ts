/**
 * The synthesis filter bank in integers, as ffmpeg has it for recordings of layers I and II: 16-bit samples come out, and what
 * rounding takes from one sample is added to the next. Subband samples and their transforms count 2 ** -23 and weights of the
 * window 2 ** -16, so that the sums are exact in f64.
 *
 * @see FFmpeg 5.1, libavcodec/mpegaudiodsp_template.c with integers (facts only: what is rounded, and in which order)
 */
import { fixedCosine32 } from './fixedCosine32.ts';
import { SUBBANDS } from './imdct.ts';
import { SynthesisFilter } from './synthesis.ts';

/** Outputs in the order in which they hand on what rounding took. */
const ORDER = Uint8Array.of(0, ...Array.from({ length: 15 }, (_, i) => [i + 1, 31 - i]).flat(), 16);

export class FixedSynthesis {
  readonly #filters = [new SynthesisFilter(fixedCosine32), new SynthesisFilter(fixedCosine32)] as const;
  /** What is left to add, in [0, 1); the channels share it. */
  #remainder = 0;

  /** One moment of a channel: 32 subband samples from `from` on to 32 samples of `out` from `to` on. */
  step(channel: 0 | 1, subbands: Float64Array, from: number, out: Int16Array, to: number): void {
    const sums = this.#filters[channel].step(subbands, from);
    for (let i = 0; i < SUBBANDS; i++) {
      const j = ORDER[i]!;
      const sum = this.#remainder + sums[j]! * 32768;
      const sample = Math.floor(sum);
      this.#remainder = sum - sample;
      out[to + j] = Math.max(-32768, Math.min(sample, 32767));
    }
  }
}
