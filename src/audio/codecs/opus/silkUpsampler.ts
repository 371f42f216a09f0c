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

export class SilkUpsampler {
  readonly #states = [new Float64Array(3), new Float64Array(3)];
  /** The outputs for one input sample: their first sample at the doubled rate, and their taps. */
  readonly #phases: readonly { readonly start: number; readonly taps: readonly number[] }[];
  #kept: Float64Array = new Float64Array(N_TAPS);

  constructor(rate: SilkRate) {
    const ratio = 48000 / rate;
    this.#phases = Array.from({ length: ratio }, (_, i) => {
      const twelfths = (24 / ratio) * i;
      return { start: Math.floor(twelfths / 12), taps: TAPS_BY_TWELFTH.get(twelfths % 12) ?? [] };
    });
  }

  /** @param samples 16-bit integers  @returns shape [nSamples * 48000 / rate] */
  push(samples: ArrayLike<number>): Int16Array {
    const doubled = new Float64Array(N_TAPS + 2 * samples.length);
    doubled.set(this.#kept);
    for (let i = 0; i < samples.length; i++) {
      for (let odd = 0; odd < 2; odd++) {
        doubled[N_TAPS + 2 * i + odd] = chain(samples[i]! * 1024, this.#states[odd]!, ALL_PASS_WEIGHTS[odd]!);
      }
    }
    const ratio = this.#phases.length;
    const out = new Int16Array(ratio * samples.length);
    for (const [phase, { start, taps }] of this.#phases.entries()) filter(doubled, start, taps, out, phase, ratio);
    this.#kept = doubled.slice(-N_TAPS);
    return out;
  }
}

/** Every second place from `start` on with its eight taps into every `ratio`-th of `out`. All sums are integers. */
function filter(
  doubled: Float64Array,
  start: number,
  taps: readonly number[],
  out: Int16Array,
  phase: number,
  ratio: number,
): void {
  const [t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0, t7 = 0] = taps;
  for (let to = phase, at = start; to < out.length; to += ratio, at += 2) {
    const first = doubled[at]! * t0 + doubled[at + 1]! * t1 + doubled[at + 2]! * t2 + doubled[at + 3]! * t3;
    const last = doubled[at + 4]! * t4 + doubled[at + 5]! * t5 + doubled[at + 6]! * t6 + doubled[at + 7]! * t7;
    out[to] = roundedTo16(first + last, 32768);
  }
}

/** Three all-pass sections, in 2^-10. */
function chain(input: number, state: Float64Array, weights: readonly [number, number, number]): number {
  let value = input;
  for (let i = 0; i < 3; i++) {
    const product = Math.floor(((value - state[i]!) * weights[i]!) / 65536);
    const out = state[i]! + product;
    state[i] = value + product;
    value = out;
  }
  return roundedTo16(value, 1024);
}

function roundedTo16(value: number, unit: number): number {
  return clampInt16(Math.floor(value / unit + 0.5));
}
