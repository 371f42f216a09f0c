/**
 * The log-mel spectrogram of sound that is still coming. Its frames are those of `logMel.ts`, number for number, with one
 * exception that cannot be helped: the floor hangs on the loudest value of the whole recording, which is known only at the
 * end, so here it is the loudest value *so far*. Until the loudest moment has come, quiet sound stands higher above the
 * floor than in a transcription of the whole file.
 *
 * Frames that are not needed any more are let go of, so memory is bounded by what the caller leaves standing.
 */
import { concat } from '../../base/bytes.ts';
import { AudioError, InternalError, OptionsError } from '../../base/errors.ts';
import { HOP_LENGTH, N_FRAMES, SAMPLE_RATE } from '../constants.ts';
import { createMelFrame, floorLog, halfFrame, type MelFrame } from './melFrame.ts';

export class RunningLogMel {
  readonly nMels: number;
  readonly #analyse: MelFrame;
  /** Frames from `#first` on; [capacity, nMels], of which `#nStored` are filled. */
  #log: Float32Array<ArrayBuffer>;
  #first = 0;
  #nStored = 0;
  #peak = floorLog;
  /** Samples from `#base` on that frames to come will see. */
  #samples: Float32Array<ArrayBuffer> = new Float32Array(0);
  #base = 0;
  #nSamples = 0;
  #ended = false;

  /** @param nMels 80 or 128: the model's `dims.nMels` */
  constructor(nMels: number) {
    if (!Number.isInteger(nMels) || nMels < 1)
      throw new OptionsError('nMels', `nMels is ${nMels}, not a count of mel bins.`);
    this.nMels = nMels;
    this.#analyse = createMelFrame(nMels);
    this.#log = new Float32Array(nMels * 256);
  }

  /** Whole frames of 10 ms of all sound so far, those let go of included. */
  get nFrames(): number {
    return Math.floor(this.#nSamples / HOP_LENGTH);
  }

  /** The first frame that is still here. */
  get firstFrame(): number {
    return this.#first;
  }

  /** Numbers held in memory: to see that they stay few. */
  get size(): number {
    return this.#log.length + this.#samples.length;
  }

  /**
   * @param samples mono, 16 kHz, in [-1, 1]; they are copied
   * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time
   */
  push(samples: Float32Array): void {
    if (this.#ended) throw new InternalError('samples behind the end');
    checkFinite(samples, this.#nSamples);
    this.#samples = concat(Float32Array, [this.#samples, samples]);
    this.#nSamples += samples.length;
    // A frame is analysed once the samples behind its centre are there (and the one more that mirroring sees).
    this.#analyseUpTo(Math.max(0, Math.ceil((this.#nSamples - halfFrame) / HOP_LENGTH)));
    const from = Math.max(0, (this.#first + this.#nStored) * HOP_LENGTH - halfFrame);
    // What stands before the first sample is its mirror image: until no frame reaches there, nothing is let go of.
    if (from <= this.#base) return;
    this.#samples = this.#samples.slice(from - this.#base);
    this.#base = from;
  }

  /** No more sound comes. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#nSamples > 0) this.#analyseUpTo(Math.ceil((this.#nSamples + halfFrame) / HOP_LENGTH));
  }

  /**
   * Frames seek .. seek + size - 1, padded to 30 s with the value 0.0, as windows are decoded.
   * @returns [nMels, 3000], row-major
   */
  window(seek: number, size: number): Float32Array {
    if (!(seek >= this.#first && size >= 0 && size <= N_FRAMES && seek + size <= this.nFrames))
      throw new InternalError(`frames ${seek}..${seek + size} of ${this.#first}..${this.nFrames}`);
    const { nMels } = this;
    const lowest = Math.fround(this.#peak - 8);
    const window = new Float32Array(nMels * N_FRAMES); // [nMels, N_FRAMES]
    const unfinished = new Float32Array(nMels);
    for (let i = 0; i < size; i++) {
      const at = seek + i - this.#first;
      let frame = this.#log.subarray(at * nMels, (at + 1) * nMels);
      if (at >= this.#nStored) {
        // The last one, of whose samples some are still to come.
        this.#analyse(this.#samples, (seek + i) * HOP_LENGTH - halfFrame - this.#base, unfinished);
        frame = unfinished;
      }
      for (let m = 0; m < nMels; m++) window[m * N_FRAMES + i] = Math.fround(Math.max(frame[m]!, lowest) + 4) / 4;
    }
    return window;
  }

  /** Lets go of the frames before `frame`. */
  forget(frame: number): void {
    const n = Math.min(frame - this.#first, this.#nStored);
    if (n <= 0) return;
    this.#log.copyWithin(0, n * this.nMels, this.#nStored * this.nMels);
    this.#first += n;
    this.#nStored -= n;
  }

  /** @param end the frame behind the last one that is analysed now */
  #analyseUpTo(end: number): void {
    const { nMels } = this;
    const stored = end - this.#first;
    if (stored * nMels > this.#log.length) {
      const grown = new Float32Array(Math.max(stored * nMels, Math.min(2 * this.#log.length, nMels * 3600)));
      grown.set(this.#log.subarray(0, this.#nStored * nMels));
      this.#log = grown;
    }
    for (; this.#nStored < stored; this.#nStored++) {
      const start = (this.#first + this.#nStored) * HOP_LENGTH - halfFrame - this.#base;
      const out = this.#log.subarray(this.#nStored * nMels, (this.#nStored + 1) * nMels);
      this.#peak = Math.max(this.#peak, this.#analyse(this.#samples, start, out));
    }
  }
}

function checkFinite(samples: Float32Array, before: number): void {
  const bad = samples.findIndex((sample) => !Number.isFinite(sample));
  if (bad < 0) return;
  const seconds = ((before + bad) / SAMPLE_RATE).toFixed(3);
  throw new AudioError('nonFinite', `Sample ${before + bad}, at ${seconds} s, is ${samples[bad]}.`, {
    hint: 'Samples are numbers in [-1, 1]: look at what made them.',
  });
}
