/**
 * The mel filterbank of Whisper's front end, computed instead of shipped: triangles on Slaney's mel scale
 * (linear below 1 kHz, logarithmic above), each scaled to unit area. Same numbers as `librosa.filters.mel(sr=16000,
 * n_fft=400, n_mels=80 | 128)`, which openai/whisper stores in `assets/mel_filters.npz`; rounded to f32 as there.
 */
import { N_BINS, N_FFT, SAMPLE_RATE } from '../constants.ts';

/** From one bin to the next: 40 Hz. */
const binHz = SAMPLE_RATE / N_FFT;
const topHz = SAMPLE_RATE / 2;

export interface MelFilters {
  readonly nMels: number;
  /** First bin of each filter that is not zero; shape [nMels]. */
  readonly first: Int32Array;
  /** Where the weights of each filter start in `weights`; shape [nMels + 1]. */
  readonly offset: Int32Array;
  /** The weights that are not zero, filter after filter (f32 values). */
  readonly weights: Float32Array;
}

const hzPerLinearMel = 200 / 3;
const breakHz = 1000;
const breakMel = breakHz / hzPerLinearMel;
/** 27 mels to a factor of 6.4. */
const logStep = Math.log(6.4) / 27;

const hzToMel = (hz: number): number =>
  hz < breakHz ? hz / hzPerLinearMel : breakMel + Math.log(hz / breakHz) / logStep;

const melToHz = (mel: number): number =>
  mel < breakMel ? mel * hzPerLinearMel : breakHz * Math.exp(logStep * (mel - breakMel));

/**
 * @param nMels filters, 80 or 128 in released models; any count works
 * @see librosa/filters.py, `mel`, with `htk=False, norm='slaney'`
 */
export function melFilters(nMels: number): MelFilters {
  const topMel = hzToMel(topHz);
  const edges = Float64Array.from({ length: nMels + 2 }, (_, i) => melToHz((topMel * i) / (nMels + 1)));
  const first = new Int32Array(nMels);
  const offset = new Int32Array(nMels + 1);
  const weights: number[] = [];
  for (let m = 0; m < nMels; m++) {
    const [low, centre, high] = [edges[m]!, edges[m + 1]!, edges[m + 2]!];
    const area = 2 / (high - low);
    for (let bin = 0; bin < N_BINS; bin++) {
      const hz = bin * binHz;
      const triangle = Math.min((hz - low) / (centre - low), (high - hz) / (high - centre));
      if (triangle <= 0) continue;
      if (weights.length === offset[m]) first[m] = bin;
      weights.push(Math.fround(triangle) * area); // rounded once before and once after scaling, as librosa's f32 array
    }
    offset[m + 1] = weights.length;
  }
  return { nMels, first, offset, weights: Float32Array.from(weights) };
}
