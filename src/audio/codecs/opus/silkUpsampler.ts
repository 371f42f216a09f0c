/**
 * libopus's resampler from SILK's rate to 48 kHz, bit for bit: the rate is doubled by two all-pass chains, then eight taps
 * are applied for each of two, three or six phases, all in 16 bits. With it SILK's part of libopus's output is known.
 *
 * @see libopus 1.5, silk/resampler_private_up2_HQ.c, silk/resampler_private_IIR_FIR.c, silk/resampler_rom.c (facts only)
 */
import { clampInt16 } from '../../resample/rounding.ts';
import type { SilkRate } from './opusPacket.ts';

/** Samples of delay that libopus adds. */
export const SILK_UPSAMPLER_DELAY: Readonly<Record<SilkRate, number>> = { 8000: 0, 12000: 4, 16000: 7 };

/** For even and odd samples; in 2^-16. */
const ALL_PASS_WEIGHTS = [
  [1746, 14986, 39083],
  [6854, 25769, 55542],
] as const;
const N_TAPS = 8;
/** In 2^-15, by twelfths of a sample at the doubled rate. */
const TAPS_BY_TWELFTH: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [189, -600, 617, 30567, 2996, -1375, 425, -46]],
  [4, [-48, 758, -3956, 23973, 15143, -3957, 967, -107]],
  [6, [-99, 972, -4222, 18278, 21254, -4235, 905, -80]],
  [8, [-103, 896, -3487, 11950, 26341, -3350, 529, -4]],
]);

/** Samples of the longest Opus frame, 60 ms. */
const MAX_INPUT = 960;

export class SilkUpsampler {
  readonly #even = new Float64Array(3);
  readonly #odd = new Float64Array(3);
  /** The outputs for one input sample: their first sample at the doubled rate, and their taps. */
  readonly #phases: readonly { readonly start: number; readonly taps: readonly number[] }[];
  /** At twice the rate; the first of them are the last ones of the frame before. */
  readonly #doubled = new Float64Array(N_TAPS + 2 * MAX_INPUT);
  readonly #out: Float32Array<ArrayBuffer>;

  constructor(rate: SilkRate) {
    const ratio = 48000 / rate;
    this.#phases = Array.from({ length: ratio }, (_, i) => {
      const twelfths = (24 / ratio) * i;
      return { start: Math.floor(twelfths / 12), taps: TAPS_BY_TWELFTH.get(twelfths % 12) ?? [] };
    });
    this.#out = new Float32Array(ratio * MAX_INPUT);
  }

  /**
   * @param samples 16-bit integers, at most 60 ms
   * @returns n / 32768, valid until the next call; shape [nSamples * 48000 / rate]
   */
  push(samples: Float64Array): Float32Array<ArrayBuffer> {
    const doubled = this.#doubled;
    for (let i = 0; i < samples.length; i++) {
      const input = samples[i]! * 1024;
      doubled[N_TAPS + 2 * i] = chain(input, this.#even, ALL_PASS_WEIGHTS[0]);
      doubled[N_TAPS + 2 * i + 1] = chain(input, this.#odd, ALL_PASS_WEIGHTS[1]);
    }
    const ratio = this.#phases.length;
    const out = this.#out.subarray(0, ratio * samples.length);
    for (let phase = 0; phase < ratio; phase++) filter(doubled, this.#phases[phase]!, out, phase, ratio);
    doubled.copyWithin(0, 2 * samples.length, 2 * samples.length + N_TAPS);
    return out;
  }
}

/** Every second place from `start` on with its eight taps into every `ratio`-th of `out`. All sums are integers. */
function filter(
  doubled: Float64Array,
  { start, taps }: { readonly start: number; readonly taps: readonly number[] },
  out: Float32Array,
  phase: number,
  ratio: number,
): void {
  const [t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0, t7 = 0] = taps;
  for (let to = phase, at = start; to < out.length; to += ratio, at += 2) {
    const first = doubled[at]! * t0 + doubled[at + 1]! * t1 + doubled[at + 2]! * t2 + doubled[at + 3]! * t3;
    const last = doubled[at + 4]! * t4 + doubled[at + 5]! * t5 + doubled[at + 6]! * t6 + doubled[at + 7]! * t7;
    out[to] = roundedTo16(first + last, 1 / 32768) / 32768;
  }
}

/** Three all-pass sections, in 2^-10. */
function chain(input: number, state: Float64Array, weights: readonly [number, number, number]): number {
  let value = input;
  for (let i = 0; i < 3; i++) {
    const before = state[i]!;
    const product = Math.floor((value - before) * weights[i]! * (1 / 65536));
    state[i] = value + product;
    value = before + product;
  }
  return roundedTo16(value, 1 / 1024);
}

/** @param scale a power of two */
function roundedTo16(value: number, scale: number): number {
  return clampInt16(Math.floor(value * scale + 0.5));
}
