/**
 * The 400-point transform once more, slowly and by other means: Bluestein's identity n k = (n^2 + k^2 - (k-n)^2) / 2
 * makes it a convolution with a chirp, done by fft.js at 1024 points. It is the f64 reference that `dft.ts` is held against.
 */
import FFT from 'fft.js';
import { N_FFT } from '../../src/audio/constants.ts';
import type { PowerSpectrum } from '../../src/audio/features/dft.ts';

/** At least 2 * 400 - 1, and a power of two, which is what fft.js takes. */
const size = 1024;

export function createBluesteinPowerSpectrum(): PowerSpectrum {
  const fft = new FFT(size);
  const chirp = new Float64Array(2 * N_FFT); // exp(-pi i n^2 / 400), n^2 reduced modulo 800 first
  for (let n = 0; n < N_FFT; n++) {
    const angle = (-Math.PI * ((n * n) % (2 * N_FFT))) / N_FFT;
    chirp[2 * n] = Math.cos(angle);
    chirp[2 * n + 1] = Math.sin(angle);
  }
  const conjugate = new Float64Array(2 * size);
  for (let n = 0; n < N_FFT; n++) {
    for (const at of n === 0 ? [0] : [n, size - n]) {
      conjugate[2 * at] = chirp[2 * n]!;
      conjugate[2 * at + 1] = -chirp[2 * n + 1]!;
    }
  }
  const kernel = new Float64Array(2 * size);
  fft.transform(kernel, conjugate);

  const input = new Float64Array(2 * size);
  const spectrum = new Float64Array(2 * size);
  const output = new Float64Array(2 * size);
  return (frame, power) => {
    for (let n = 0; n < N_FFT; n++) {
      input[2 * n] = frame[n]! * chirp[2 * n]!;
      input[2 * n + 1] = frame[n]! * chirp[2 * n + 1]!;
    }
    fft.transform(spectrum, input);
    for (let i = 0; i < 2 * size; i += 2) {
      const [re, im] = [spectrum[i]!, spectrum[i + 1]!];
      spectrum[i] = re * kernel[i]! - im * kernel[i + 1]!;
      spectrum[i + 1] = re * kernel[i + 1]! + im * kernel[i]!;
    }
    fft.inverseTransform(output, spectrum);
    for (let k = 0; k <= N_FFT / 2; k++) {
      power[k] = output[2 * k]! ** 2 + output[2 * k + 1]! ** 2; // the last turn by chirp[k] does not change the power
    }
  };
}
