/**
 * How far the bands of each frame are above their noise, on average. The noise of a band is its level in the quietest tenth
 * of the seconds around (minimum statistics, R. Martin 2001, with a quantile in place of the minimum). Frames come in
 * order; 18 s of them are kept.
 */
import { FRAMES_PER_SECOND } from '../constants.ts';

/** Neighbouring mel bands are added up to this many: less variance, and a quarter of the memory. */
export const N_BANDS = 20;
/** The share of time in which a band is assumed to hold noise alone. */
const NOISE_QUANTILE = 0.1;
/** Seconds before and after a second from which its noise is estimated. */
const NOISE_REACH = 8;
/** dB above the noise that a band counts at most: one loud band alone is not a voice. */
const MAX_BAND_EXCESS = 25;
/** Histograms of levels have bins of 1 dB from here on. */
const MIN_LEVEL = -140;
const N_LEVELS = 200;
/** Levels are averaged over a frame and as many on both sides, with weights 1 2 3 2 1. */
const SMOOTH_REACH = 2;
const KEPT_FRAMES = (2 * NOISE_REACH + 2) * FRAMES_PER_SECOND;

export class BandExcess {
  readonly #excess: Float32Array;
  readonly #minNoise: number;
  /** Frames that have come. */
  #nPushed = 0;
  /** The last of them, frame t in row t % 5; [5, N_BANDS]. */
  readonly #levels = new Float32Array((2 * SMOOTH_REACH + 1) * N_BANDS);
  /** Smoothed levels, frame t in row t % KEPT_FRAMES; [KEPT_FRAMES, N_BANDS]. */
  readonly #smooth = new Float32Array(KEPT_FRAMES * N_BANDS);
  /** How many of the frames within reach have which level; [N_BANDS, N_LEVELS]. */
  readonly #histograms = new Uint32Array(N_BANDS * N_LEVELS);
  /** Frames within reach. */
  #nCounted = 0;
  /** The next second whose noise is estimated. */
  #second = 0;

  /**
   * @param excess   zeros, one for each frame of the recording; the results are added to it
   * @param minNoise dB: noise counts as no lower than this
   */
  constructor(excess: Float32Array, minNoise: number) {
    this.#excess = excess;
    this.#minNoise = minNoise;
  }

  /** @param levels dB of each band in the next frames; [n, N_BANDS] */
  push(levels: Float32Array): void {
    for (let at = 0; at < levels.length; at += N_BANDS) {
      const frame = this.#nPushed++;
      this.#levels.set(levels.subarray(at, at + N_BANDS), (frame % (2 * SMOOTH_REACH + 1)) * N_BANDS);
      if (frame >= SMOOTH_REACH) this.#add(frame - SMOOTH_REACH);
    }
    const nFrames = this.#excess.length;
    if (this.#nPushed < nFrames) return;
    for (let frame = Math.max(0, nFrames - SMOOTH_REACH); frame < nFrames; frame++) this.#add(frame);
    for (const nSeconds = Math.ceil(nFrames / FRAMES_PER_SECOND); this.#second < nSeconds; ) this.#measureSecond();
  }

  /** Smooths a frame and counts its levels. */
  #add(t: number): void {
    const last = this.#excess.length - 1;
    const row = (frame: number): number => (Math.min(last, Math.max(0, frame)) % (2 * SMOOTH_REACH + 1)) * N_BANDS;
    const [a, b, c, d, e] = [row(t - 2), row(t - 1), row(t), row(t + 1), row(t + 2)];
    const levels = this.#levels;
    const to = (t % KEPT_FRAMES) * N_BANDS;
    for (let i = 0; i < N_BANDS; i++) {
      this.#smooth[to + i] =
        (levels[a + i]! + 2 * levels[b + i]! + 3 * levels[c + i]! + 2 * levels[d + i]! + levels[e + i]!) / 9;
    }
    this.#count(t, 1);
    const nSeconds = (t + 1) / FRAMES_PER_SECOND;
    if (Number.isInteger(nSeconds) && nSeconds > NOISE_REACH) this.#measureSecond();
  }

  #count(frame: number, by: 1 | -1): void {
    const at = (frame % KEPT_FRAMES) * N_BANDS;
    for (let band = 0; band < N_BANDS; band++) {
      const bin = Math.min(N_LEVELS - 1, Math.max(0, Math.floor(this.#smooth[at + band]! - MIN_LEVEL)));
      this.#histograms[band * N_LEVELS + bin]! += by;
    }
    this.#nCounted += by;
  }

  /** Estimates the noise of the next second, of which all frames within reach are counted, and measures its frames. */
  #measureSecond(): void {
    const second = this.#second++;
    const left = second - NOISE_REACH - 1;
    for (let i = 0; left >= 0 && i < FRAMES_PER_SECOND; i++) this.#count(left * FRAMES_PER_SECOND + i, -1);
    const begin = second * FRAMES_PER_SECOND;
    const end = Math.min(this.#excess.length, begin + FRAMES_PER_SECOND);
    for (let band = 0; band < N_BANDS; band++) {
      const floor = Math.max(this.#noise(band), this.#minNoise);
      for (let frame = begin; frame < end; frame++) {
        const level = this.#smooth[(frame % KEPT_FRAMES) * N_BANDS + band]!;
        this.#excess[frame]! += Math.min(MAX_BAND_EXCESS, Math.max(0, level - floor)) / N_BANDS;
      }
    }
  }

  /** A low quantile of the levels that are counted. */
  #noise(band: number): number {
    const histogram = this.#histograms.subarray(band * N_LEVELS, (band + 1) * N_LEVELS);
    const wanted = this.#nCounted * NOISE_QUANTILE;
    let below = 0;
    let found = 0;
    while (below + histogram[found]! < wanted) below += histogram[found++]!;
    return Math.fround(MIN_LEVEL + found + (wanted - below) / histogram[found]!);
  }
}
