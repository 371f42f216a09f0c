/**
 * The log-mel spectrogram of a recording that is still going on. Its frames are those of `logMel.ts`, number for number,
 * with one unavoidable exception: the floor depends on the loudest value of the whole recording, which is known only at
 * the end, so here it is the loudest value *so far*. Until the loudest moment has come, quiet passages are further above
 * the floor than in a transcription of the whole file.
 *
 * Frames that are not needed any more can be released, so the caller decides how much memory is used.
 */
import { concat } from '../../base/bytes.ts';
import { InternalError } from '../../base/errors.ts';
import { HOP_LENGTH, N_FRAMES } from '../constants.ts';
import { checkFinite, createMelFrame, floorOf, HALF_FRAME, type MelFrame, MIN_LOG, scaleLog } from './melFrame.ts';

/** Frames that there is room for at first, and up to which the room is doubled: a window and 6 s. */
const MIN_CAPACITY = 256;
const MAX_DOUBLED_CAPACITY = N_FRAMES + 600;

export class RunningLogMel {
  readonly nMels: number;
  readonly #analyse: MelFrame;
  /** Unclamped log10 values of the frames from `#first` on; [capacity, nMels], of which `#nStored` are filled. */
  #log: Float32Array<ArrayBuffer>;
  #first = 0;
  #nStored = 0;
  #peak = MIN_LOG;
  /** Samples from `#base` on, which later frames still overlap. */
  #samples: Float32Array<ArrayBuffer> = new Float32Array(0);
  #base = 0;
  #nSamples = 0;
  #hasEnded = false;

  /**
   * @param nMels 80 or 128: the model's `dims.nMels`
   * @throws {OptionsError} `nMels` unless it is a positive integer
   */
  constructor(nMels: number) {
    this.#analyse = createMelFrame(nMels);
    this.nMels = nMels;
    this.#log = new Float32Array(nMels * MIN_CAPACITY);
  }

  /** Complete frames of 10 ms so far, including those that were released. */
  get nFrames(): number {
    return Math.floor(this.#nSamples / HOP_LENGTH);
  }

  /** The first frame that has not been released. */
  get firstFrame(): number {
    return this.#first;
  }

  /** Numbers held in memory: a measure of what releasing frames saves. */
  get size(): number {
    return this.#log.length + this.#samples.length;
  }

  /**
   * @param samples mono, 16 kHz, in [-1, 1]; they are copied
   * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time
   */
  push(samples: Float32Array): void {
    if (this.#hasEnded) throw new InternalError('samples after the end');
    checkFinite(samples, this.#nSamples);
    this.#samples = concat(Float32Array, [this.#samples, samples]);
    this.#nSamples += samples.length;
    // A frame is analysed once the samples after its centre are there (and the one more that mirroring needs).
    this.#analyseUpTo(Math.max(0, Math.ceil((this.#nSamples - HALF_FRAME) / HOP_LENGTH)));
    const from = Math.max(0, (this.#first + this.#nStored) * HOP_LENGTH - HALF_FRAME);
    // Frames that begin before the first sample see its mirror image: until they are done, all samples are kept.
    if (from <= this.#base) return;
    this.#samples = this.#samples.slice(from - this.#base);
    this.#base = from;
  }

  /** Ends the recording. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#nSamples > 0) this.#analyseUpTo(Math.ceil((this.#nSamples + HALF_FRAME) / HOP_LENGTH));
  }

  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the value 0.0, as windows are decoded.
   * @returns [nMels, 3000], row-major
   */
  window(seek: number, size: number): Float32Array {
    if (!(seek >= this.#first && size >= 0 && size <= N_FRAMES && seek + size <= this.nFrames))
      throw new InternalError(`frames ${seek}..${seek + size} of ${this.#first}..${this.nFrames}`);
    const { nMels } = this;
    const floor = floorOf(this.#peak);
    const window = new Float32Array(nMels * N_FRAMES); // [nMels, N_FRAMES]
    const unfinished = new Float32Array(nMels);
    for (let i = 0; i < size; i++) {
      const at = seek + i - this.#first;
      let frame = this.#log.subarray(at * nMels, (at + 1) * nMels);
      if (at >= this.#nStored) {
        // The last frame, some of whose samples are still missing.
        this.#analyse(this.#samples, (seek + i) * HOP_LENGTH - HALF_FRAME - this.#base, unfinished);
        frame = unfinished;
      }
      for (let m = 0; m < nMels; m++) window[m * N_FRAMES + i] = scaleLog(frame[m]!, floor);
    }
    return window;
  }

  /** Releases the frames before `frame`. */
  forget(frame: number): void {
    const n = Math.min(frame - this.#first, this.#nStored);
    if (n <= 0) return;
    this.#log.copyWithin(0, n * this.nMels, this.#nStored * this.nMels);
    this.#first += n;
    this.#nStored -= n;
  }

  /** @param end the frame after the last one that is analysed now */
  #analyseUpTo(end: number): void {
    const { nMels } = this;
    const needed = end - this.#first;
    if (needed * nMels > this.#log.length) {
      const doubled = Math.min(2 * this.#log.length, nMels * MAX_DOUBLED_CAPACITY);
      const grown = new Float32Array(Math.max(needed * nMels, doubled));
      grown.set(this.#log.subarray(0, this.#nStored * nMels));
      this.#log = grown;
    }
    for (; this.#nStored < needed; this.#nStored++) {
      const start = (this.#first + this.#nStored) * HOP_LENGTH - HALF_FRAME - this.#base;
      const out = this.#log.subarray(this.#nStored * nMels, (this.#nStored + 1) * nMels);
      this.#peak = Math.max(this.#peak, this.#analyse(this.#samples, start, out));
    }
  }
}
