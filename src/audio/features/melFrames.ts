/**
 * The frames of a log-mel spectrogram, made of samples that come piece by piece: unclamped log10 values, kept until they
 * are forgotten, so that the caller decides how much memory is used.
 */
import { InternalError } from '../../base/errors.ts';
import { HOP_LENGTH, N_FFT, N_FRAMES } from '../constants.ts';
import { checkFinite, createMelFrame, HALF_FRAME, type MelFrame, MIN_LOG } from './melFrame.ts';

/** Frames are stored and released in blocks of as many. */
const BLOCK_FRAMES = 50;
/** Blocks of 30 s. */
const MAX_SPARE = N_FRAMES / BLOCK_FRAMES;

export class MelFrames {
  readonly nMels: number;
  readonly #analyse: MelFrame;
  /** Blocks from that of frame `#first` on; each [BLOCK_FRAMES, nMels]. */
  readonly #blocks: Float32Array<ArrayBuffer>[] = [];
  /** Some that were released, for use as the next ones: less work for the garbage collector. */
  #spare: Float32Array<ArrayBuffer>[] = [];
  #first = 0;
  #end = 0;
  #peak = MIN_LOG;
  /** Samples from `#base` on, which later frames still overlap: the first `#nHeld` of the buffer. */
  #samples = new Float32Array(2 * N_FFT);
  #nHeld = 0;
  #base = 0;
  #nSamples = 0;
  #isFinished = false;

  /** @throws {OptionsError} `nMels` unless it is a positive integer */
  constructor(nMels: number) {
    this.#analyse = createMelFrame(nMels);
    this.nMels = nMels;
  }

  /** Samples so far. */
  get nSamples(): number {
    return this.#nSamples;
  }

  /** The first frame that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The frame after the last one that has been analysed. Frames beyond the last sample's are silence. */
  get end(): number {
    return this.#end;
  }

  /** The largest log10 value of all frames so far, forgotten ones included. */
  get peak(): number {
    return this.#peak;
  }

  /** Numbers held in memory. */
  get size(): number {
    return this.#blocks.length * BLOCK_FRAMES * this.nMels + this.#samples.length;
  }

  /**
   * @param samples mono, 16 kHz, in [-1, 1]; they are copied
   * @throws {AudioError} `nonFinite` at the first NaN or infinity, with its time
   */
  push(samples: Float32Array): void {
    if (this.#isFinished) throw new InternalError('samples after the end');
    checkFinite(samples, this.#nSamples);
    this.#hold(samples);
    this.#nSamples += samples.length;
    // A frame is analysed once the samples after its centre are there (and the one more that mirroring needs).
    this.#analyseUpTo(Math.ceil((this.#nSamples - HALF_FRAME) / HOP_LENGTH));
    const from = Math.max(0, this.#end * HOP_LENGTH - HALF_FRAME);
    // Frames that begin before the first sample see its mirror image: until they are done, all samples are kept.
    if (from <= this.#base) return;
    this.#samples.copyWithin(0, from - this.#base, this.#nHeld);
    this.#nHeld -= from - this.#base;
    this.#base = from;
  }

  /** Ends the recording: analyses the frames that overlap its last samples. */
  finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (this.#nSamples > 0) this.#analyseUpTo(Math.ceil((this.#nSamples + HALF_FRAME) / HOP_LENGTH));
  }

  /** Unclamped log10 values of frame `index`, from `first` up to `end`; [nMels], valid until it is forgotten. */
  frame(index: number): Float32Array {
    const at = (index % BLOCK_FRAMES) * this.nMels;
    const block = this.#blocks[Math.floor(index / BLOCK_FRAMES) - Math.floor(this.#first / BLOCK_FRAMES)];
    if (!block || index < this.#first || index >= this.#end)
      throw new InternalError(`frame ${index} of ${this.#first}..${this.#end}`);
    return block.subarray(at, at + this.nMels);
  }

  /** Writes to `out` [nMels] what frame `index`, after `end`, is so far: some of its samples are still missing. */
  unfinished(index: number, out: Float32Array): void {
    const samples = this.#samples.subarray(0, this.#nHeld);
    this.#analyse(samples, index * HOP_LENGTH - HALF_FRAME - this.#base, out);
  }

  /** Releases the frames before `frame`. */
  forget(frame: number): void {
    const first = Math.min(frame, this.#end);
    if (first <= this.#first) return;
    const nBlocks = Math.floor(first / BLOCK_FRAMES) - Math.floor(this.#first / BLOCK_FRAMES);
    this.#spare = [...this.#spare, ...this.#blocks.splice(0, nBlocks)].slice(0, MAX_SPARE);
    this.#first = first;
  }

  #hold(samples: Float32Array): void {
    const length = this.#nHeld + samples.length;
    if (length > this.#samples.length) {
      const grown = new Float32Array(Math.max(length, 2 * this.#samples.length));
      grown.set(this.#samples.subarray(0, this.#nHeld));
      this.#samples = grown;
    }
    this.#samples.set(samples, this.#nHeld);
    this.#nHeld = length;
  }

  #analyseUpTo(end: number): void {
    const samples = this.#samples.subarray(0, this.#nHeld);
    for (; this.#end < end; this.#end++) {
      if (this.#end % BLOCK_FRAMES === 0)
        this.#blocks.push(this.#spare.pop() ?? new Float32Array(BLOCK_FRAMES * this.nMels));
      const start = this.#end * HOP_LENGTH - HALF_FRAME - this.#base;
      const at = (this.#end % BLOCK_FRAMES) * this.nMels;
      const out = this.#blocks.at(-1)!.subarray(at, at + this.nMels);
      this.#peak = Math.max(this.#peak, this.#analyse(samples, start, out));
    }
  }
}
