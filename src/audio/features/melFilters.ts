/**
 * The mel filterbank of Whisper's front end, computed instead of stored: triangles on Slaney's mel scale (linear below
 * 1 kHz, logarithmic above), each scaled to unit area. The numbers are those of `librosa.filters.mel(sr=16000,
 * n_fft=400, n_mels=80 | 128)`, which openai/whisper stores in `assets/mel_filters.npz`, rounded to f32 as there.
 */
import { N_BINS, N_FFT, SAMPLE_RATE } from '../constants.ts';

/** 40 Hz. */
const BIN_HZ = SAMPLE_RATE / N_FFT;
const MAX_HZ = SAMPLE_RATE / 2;

export interface MelFilters {
  readonly nMels: number;
  /** First bin with a weight, for each filter; shape [nMels]. */
  readonly first: Int32Array;
  /** Index in `weights` of the first weight of each filter; shape [nMels + 1]. */
  readonly offset: Int32Array;
  /** The weights above zero, filter after filter (f32 values). */
  readonly weights: Float32Array;
}

const HZ_PER_LINEAR_MEL = 200 / 3;
const BREAK_HZ = 1000;
const BREAK_MEL = BREAK_HZ / HZ_PER_LINEAR_MEL;
/** A factor of 6.4 is 27 mels. */
const LOG_STEP = Math.log(6.4) / 27;

const hzToMel = (hz: number): number =>
  hz < BREAK_HZ ? hz / HZ_PER_LINEAR_MEL : BREAK_MEL + Math.log(hz / BREAK_HZ) / LOG_STEP;

const melToHz = (mel: number): number =>
  mel < BREAK_MEL ? mel * HZ_PER_LINEAR_MEL : BREAK_HZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));

/**
 * @param nMels number of filters, 80 or 128 in released models; any works
 * @see librosa/filters.py, `mel`, with `htk=False, norm='slaney'`
 */
export function melFilters(nMels: number): MelFilters {
  const maxMel = hzToMel(MAX_HZ);
  const edges = Float64Array.from({ length: nMels + 2 }, (_, i) => melToHz((maxMel * i) / (nMels + 1)));
  const first = new Int32Array(nMels);
  const offset = new Int32Array(nMels + 1);
  const weights: number[] = [];
  for (let m = 0; m < nMels; m++) {
    const [low, centre, high] = [edges[m]!, edges[m + 1]!, edges[m + 2]!];
    const area = 2 / (high - low);
    for (let bin = 0; bin < N_BINS; bin++) {
      const hz = bin * BIN_HZ;
      const triangle = Math.min((hz - low) / (centre - low), (high - hz) / (high - centre));
      if (triangle <= 0) continue;
      if (weights.length === offset[m]) first[m] = bin;
      weights.push(Math.fround(triangle) * area); // rounded once before and once after scaling, as librosa's f32 array
    }
    offset[m + 1] = weights.length;
  }
  return { nMels, first, offset, weights: Float32Array.from(weights) };
}
