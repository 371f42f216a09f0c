/**
 * The log-mel spectrogram of a recording that is still going on. Its frames are those of `logMel.ts`, number for number,
 * with one unavoidable exception: the floor depends on the loudest value of the whole recording, which is known only at
 * the end, so here it is the loudest value *so far*. Until the loudest moment has come, quiet passages are further above
 * the floor than in a transcription of the whole file.
 *
 * Frames that are not needed any more can be released, so the caller decides how much memory is used.
 */
import { InternalError } from '../../base/errors.ts';
import { HOP_LENGTH, N_FRAMES } from '../constants.ts';
import { floorOf, scaleLog } from './melFrame.ts';
import { MelFrames } from './melFrames.ts';

export class RunningLogMel {
  readonly #frames: MelFrames;

  /**
   * @param nMels 80 or 128: the model's `dims.nMels`
   * @throws {OptionsError} `nMels` unless it is a positive integer
   */
  constructor(nMels: number) {
    this.#frames = new MelFrames(nMels);
  }

  get nMels(): number {
    return this.#frames.nMels;
  }

  /** Complete frames of 10 ms so far, including those that were released. */
  get nFrames(): number {
    return Math.floor(this.#frames.nSamples / HOP_LENGTH);
  }

  /** The first frame that has not been released. */
  get firstFrame(): number {
    return this.#frames.first;
  }

  /** Numbers held in memory: a measure of what releasing frames saves. */
  get size(): number {
    return this.#frames.size;
  }

  /**
   * @param samples mono, 16 kHz, in [-1, 1]; they are copied
   * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time
   */
  push(samples: Float32Array): void {
    this.#frames.push(samples);
  }

  /** Ends the recording. */
  end(): void {
    this.#frames.finish();
  }

  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the value 0.0, as windows are decoded.
   * @returns [nMels, 3000], row-major
   */
  window(seek: number, size: number): Float32Array {
    if (!(seek >= this.firstFrame && size >= 0 && size <= N_FRAMES && seek + size <= this.nFrames))
      throw new InternalError(`frames ${seek}..${seek + size} of ${this.firstFrame}..${this.nFrames}`);
    const { nMels } = this;
    const floor = floorOf(this.#frames.peak);
    const window = new Float32Array(nMels * N_FRAMES); // [nMels, N_FRAMES]
    const unfinished = new Float32Array(nMels);
    for (let i = 0; i < size; i++) {
      const isFinished = seek + i < this.#frames.end;
      const frame = isFinished ? this.#frames.frame(seek + i) : unfinished;
      // The last frame, some of whose samples are still missing.
      if (!isFinished) this.#frames.unfinished(seek + i, unfinished);
      for (let m = 0; m < nMels; m++) window[m * N_FRAMES + i] = scaleLog(frame[m]!, floor);
    }
    return window;
  }

  /** Releases the frames before `frame`. */
  forget(frame: number): void {
    this.#frames.forget(frame);
  }
}
