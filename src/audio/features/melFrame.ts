/**
 * One frame of the log-mel spectrogram: 400 samples under a periodic Hann window, their power spectrum, the mel filters,
 * and the logarithm.
 *
 * @see openai/whisper, whisper/audio.py: log_mel_spectrogram
 */
import { N_BINS, N_FFT } from '../constants.ts';
import { createPowerSpectrum } from './dft.ts';
import { melFilters } from './melFilters.ts';

/** Samples before a frame's centre, and behind it. */
export const halfFrame = N_FFT / 2;

const floorPower = 1e-10;
/** log10 of the least power that counts: what silence has. */
export const floorLog = -10;

/**
 * Writes the unclamped log10 mel values of one frame to `out` [nMels] and returns the largest of them.
 *
 * @param samples before the first one the signal is mirrored about it; behind the last one come zeros
 * @param start   index of the frame's first sample, from -200 on
 */
export type MelFrame = (samples: Float32Array, start: number, out: Float32Array) => number;

export function createMelFrame(nMels: number): MelFrame {
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
    let largest = floorLog;
    for (let m = 0; m < nMels; m++) {
      let sum = 0;
      const from = offset[m]!;
      const shift = first[m]! - from;
      for (let i = from; i < offset[m + 1]!; i++) sum += weights[i]! * power[i + shift]!;
      const value = Math.fround(Math.log10(Math.max(sum, floorPower)));
      out[m] = value;
      if (value > largest) largest = value;
    }
    return largest;
  };
}
