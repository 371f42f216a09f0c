/**
 * The filter bank of ffmpeg's default resampler: a windowed sinc with its cutoff at 0.97 of the lower rate, a Kaiser
 * window with beta 9, 32 taps at the lower rate, and one filter for each phase of the output between two input samples.
 *
 * @see FFmpeg 5.1, libswresample/resample.c (facts only), defaults in libswresample/options.c
 */
import { SAMPLE_RATE } from '../constants.ts';

/** Of the lower rate. */
const CUTOFF = 0.97;
const KAISER_BETA = 9;
const MAX_PHASES = 1024;

export interface ResampleFilter {
  /** Taps of a filter, even. */
  readonly nTaps: number;
  /** `nTaps` rounded up to 8; coefficients from `nTaps` on are 0. */
  readonly stride: number;
  readonly nPhases: number;
  /** The tap that the first input sample meets for the first output sample. */
  readonly centre: number;
  /** Phases from one output sample to the next: `step + stepMod / stepDenominator`. */
  readonly step: number;
  readonly stepMod: number;
  readonly stepDenominator: number;
  /** f64 coefficients; the first filter sums to 1; shape [nPhases + 1, stride] (the last filter is for interpolation). */
  readonly bank: Float64Array;
}

/**
 * @param rate            Hz of the input
 * @param outRate         Hz of the output
 * @param tapsAtLowerRate ffmpeg's `filter_size`; its Opus decoder asks for 16
 */
export function resampleFilter(rate: number, outRate = SAMPLE_RATE, tapsAtLowerRate = 32): ResampleFilter {
  const factor = Math.min((outRate * CUTOFF) / rate, 1);
  let nTaps = Math.max(Math.ceil(tapsAtLowerRate / factor), 1);
  if (nTaps > 1) nTaps += nTaps % 2;
  const divisor = greatestCommonDivisor(outRate, rate);
  const isExact = outRate / divisor <= MAX_PHASES;
  const nPhases = isExact ? outRate / divisor : MAX_PHASES;
  const stepDivisor = greatestCommonDivisor(outRate, rate * nPhases);
  const stepDenominator = outRate / stepDivisor;
  const stepNumerator = (rate * nPhases) / stepDivisor;
  const stride = Math.ceil(nTaps / 8) * 8;
  return {
    nTaps,
    stride,
    nPhases,
    centre: (nTaps - 1) >> 1,
    step: Math.floor(stepNumerator / stepDenominator),
    stepMod: stepNumerator % stepDenominator,
    stepDenominator,
    bank: filterBank(factor, nTaps, stride, nPhases),
  };
}

function filterBank(factor: number, nTaps: number, stride: number, nPhases: number): Float64Array {
  const bank = new Float64Array((nPhases + 1) * stride);
  const centre = (nTaps - 1) >> 1;
  // With an even count of phases the second half mirrors the first.
  const isMirrored = nPhases % 2 === 0;
  const nComputed = isMirrored ? nPhases / 2 + 1 : nPhases;
  let norm = 0;
  for (let phase = 0; phase < nComputed; phase++) {
    // Without a low-pass filter all sines of one phase differ only in sign.
    let sine = Math.sin((Math.PI * phase) / nPhases) * (centre % 2 === 1 ? 1 : -1);
    for (let i = 0; i < nTaps; i++) {
      const x = Math.PI * (i - centre - phase / nPhases) * factor;
      let y = x === 0 ? 1 : factor === 1 ? sine / x : Math.sin(x) / x;
      const w = (2 * x) / (factor * nTaps * Math.PI);
      y *= besselI0(KAISER_BETA * Math.sqrt(Math.max(1 - w * w, 0)));
      bank[phase * stride + i] = y;
      sine = -sine;
      if (phase === 0) norm += y; // the first filter's sum scales all filters
    }
  }
  for (let phase = 0; phase < nComputed; phase++) {
    for (let i = 0; i < nTaps; i++) {
      bank[phase * stride + i] = bank[phase * stride + i]! / norm;
    }
    if (!isMirrored || phase === 0) continue;
    for (let i = 0; i < nTaps; i++) {
      bank[(nPhases - phase) * stride + nTaps - 1 - i] = bank[phase * stride + i]!;
    }
  }
  // The phase after the last one is the first filter, one sample later.
  for (let i = 0; i < stride - 1; i++) bank[nPhases * stride + i + 1] = bank[i]!;
  bank[nPhases * stride] = bank[stride - 1]!;
  return bank;
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-18; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
