/**
 * One channel through the polyphase filter, piece by piece. The arithmetic (16-bit fixed point, f32 or f64) is passed
 * in. The edges are ffmpeg's: before the first sample the signal is mirrored about it, x[-k] = x[k]; at the end the
 * samples that are left in the buffer, at most one filter length, are continued by half of them in reverse order.
 */
import type { ResampleFilter } from './filter.ts';

export type Samples = Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * The dot product of one phase's filter with `samples` from `at` on, in the arithmetic of the sample format. Where the
 * rates have no exact ratio it is interpolated towards the next phase by `fraction` / `stepDenominator`.
 */
export type DotProduct<S extends Samples> = (samples: S, at: number, phase: number, fraction: number) => number;

const INITIAL_CAPACITY = 4096;
/** Filters are read in blocks of eight: what they read after the last sample is multiplied by 0, and must be a number. */
const READ_AHEAD = 8;

export class ChannelResampler<S extends Samples> {
  readonly #filter: ResampleFilter;
  readonly #dot: DotProduct<S>;
  readonly #allocate: (length: number) => S;
  /** Samples that filters still need, `#length` of them. */
  #buffer: S;
  #length = 0;
  #isStarted = false;
  #phase = 0;
  #fraction = 0;

  constructor(filter: ResampleFilter, dot: DotProduct<S>, allocate: (length: number) => S) {
    this.#filter = filter;
    this.#dot = dot;
    this.#allocate = allocate;
    this.#buffer = allocate(INITIAL_CAPACITY);
  }

  /** @returns all output samples that the input so far determines */
  push(samples: S): S {
    this.#append(samples);
    return this.#run();
  }

  /** Ends the recording. @returns the rest: as in ffmpeg nothing, if all of it was shorter than 2/3 of a filter */
  end(): S {
    const reflected = (Math.min(this.#length, this.#filter.nTaps) + 1) >> 1;
    const tail = this.#allocate(reflected);
    for (let i = 0; i < reflected; i++) tail[i] = this.#buffer[this.#length - 1 - i]!;
    this.#append(tail);
    return this.#run();
  }

  #append(samples: S): void {
    const needed = this.#length + samples.length + READ_AHEAD;
    if (needed > this.#buffer.length) {
      const grown = this.#allocate(Math.max(needed, 2 * this.#buffer.length));
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    this.#buffer.set(samples, this.#length);
    this.#length += samples.length;
  }

  #run(): S {
    const { nTaps, nPhases, step, stepMod, stepDenominator } = this.#filter;
    if (!this.#isStarted) {
      if (this.#length <= nTaps) return this.#allocate(0);
      this.#mirrorStart();
    }
    const capacity = Math.ceil(((this.#length - nTaps + 1) * nPhases) / step) + 1;
    const out = this.#allocate(Math.max(capacity, 0));
    const buffer = this.#buffer;
    const end = this.#length - nTaps;
    let [at, phase, fraction, n] = [0, this.#phase, this.#fraction, 0];
    while (at <= end) {
      out[n++] = this.#dot(buffer, at, phase, fraction);
      phase += step;
      fraction += stepMod;
      if (fraction >= stepDenominator) {
        fraction -= stepDenominator;
        phase++;
      }
      const whole = Math.floor(phase / nPhases);
      at += whole;
      phase -= whole * nPhases;
    }
    buffer.copyWithin(0, at, this.#length);
    this.#length -= at;
    this.#phase = phase;
    this.#fraction = fraction;
    const given = this.#allocate(n);
    given.set(out.subarray(0, n));
    return given;
  }

  #mirrorStart(): void {
    const { centre } = this.#filter;
    const mirrored = this.#allocate(centre);
    for (let k = 1; k <= centre; k++) mirrored[centre - k] = this.#buffer[k]!;
    const rest = this.#allocate(this.#length);
    rest.set(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    this.#append(mirrored);
    this.#append(rest);
    this.#isStarted = true;
  }
}
