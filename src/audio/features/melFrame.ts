/**
 * One frame of the log-mel spectrogram: 400 samples under a periodic Hann window, their power spectrum, the mel filters
 * and the logarithm; and what all spectrograms do with their input and output.
 *
 * @see openai/whisper, whisper/audio.py, log_mel_spectrogram
 */
import { AudioError, OptionsError } from '../../base/errors.ts';
import { N_BINS, N_FFT, SAMPLE_RATE } from '../constants.ts';
import { createPowerSpectrum } from './dft.ts';
import { melFilters } from './melFilters.ts';

/** Samples of a frame before its centre, and after it. */
export const HALF_FRAME = N_FFT / 2;

const MIN_POWER = 1e-10;
/** log10 of the lowest power that counts, that of silence. */
export const MIN_LOG = -10;
/** The floor of a recording below its loudest value: 80 dB. */
const DYNAMIC_RANGE = 8;

/**
 * Writes the unclamped log10 mel values of one frame to `out` [nMels] and returns the largest of them.
 *
 * @param samples the signal is mirrored before the first one; zeros follow the last one
 * @param start   index of the frame's first sample, -200 or more
 */
export type MelFrame = (samples: Float32Array, start: number, out: Float32Array) => number;

/** @throws {OptionsError} `nMels` unless it is a positive integer */
export function createMelFrame(nMels: number): MelFrame {
  if (!Number.isInteger(nMels) || nMels < 1)
    throw new OptionsError('nMels', `nMels is ${nMels}, not a number of mel bins.`);
  const hann = Float64Array.from({ length: N_FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / N_FFT));
  const { first, offset, weights } = melFilters(nMels);
  const transform = createPowerSpectrum();
  const windowed = new Float64Array(N_FFT);
  const power = new Float64Array(N_BINS);
  return (samples, start, out) => {
    const end = samples.length;
    if (start >= 0 && start + N_FFT <= end) {
      for (let i = 0; i < N_FFT; i++) windowed[i] = samples[start + i]! * hann[i]!;
    } else {
      for (let i = 0; i < N_FFT; i++) {
        const at = Math.abs(start + i);
        windowed[i] = at < end ? samples[at]! * hann[i]! : 0;
      }
    }
    transform(windowed, power);
    let largest = MIN_LOG;
    for (let m = 0; m < nMels; m++) {
      let sum = 0;
      const from = offset[m]!;
      const shift = first[m]! - from;
      for (let i = from; i < offset[m + 1]!; i++) sum += weights[i]! * power[i + shift]!;
      const value = Math.fround(Math.log10(Math.max(sum, MIN_POWER)));
      out[m] = value;
      if (value > largest) largest = value;
    }
    return largest;
  };
}

/** The lowest log10 value of a spectrogram whose loudest one is `peak`. */
export function floorOf(peak: number): number {
  return Math.fround(peak - DYNAMIC_RANGE);
}

/** A log10 value, clamped to the floor and scaled, as the encoder takes it. */
export function scaleLog(log: number, floor: number): number {
  return Math.fround(Math.max(log, floor) + 4) / 4;
}

/**
 * @param nBefore samples of the recording before these
 * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time
 */
export function checkFinite(samples: Float32Array, nBefore = 0): void {
  for (let i = 0; i < samples.length; i++) {
    if (Number.isFinite(samples[i])) continue;
    const seconds = ((nBefore + i) / SAMPLE_RATE).toFixed(3);
    throw new AudioError('nonFinite', `Sample ${nBefore + i}, at ${seconds} s, is ${samples[i]}.`, {
      hint: 'Samples are numbers in [-1, 1]: check what produced them.',
    });
  }
}
