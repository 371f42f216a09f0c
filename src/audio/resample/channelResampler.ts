/**
 * One channel through the polyphase filter, piece by piece. The arithmetic (16-bit fixed point, f32 or f64) is passed
 * in. The edges are ffmpeg's: before the first sample the signal is mirrored about it, x[-k] = x[k]; at the end the
 * samples that are left in the buffer, at most one filter length, are continued by half of them in reverse order.
 */
import type { ResampleFilter } from './filter.ts';

export type Samples = Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * Writes to `out[n]` the dot product of one phase's filter with `samples` from `at` on, in the arithmetic of the sample format.
 * Where the rates have no exact ratio it is interpolated towards the next phase by `fraction` / `stepDenominator`. It gives no
 * number back, since V8 would allocate each: 20 KB for 20 ms of Opus.
 */
export type DotProduct<S extends Samples, H extends Samples = S> = (
  samples: H,
  at: number,
  phase: number,
  fraction: number,
  out: S,
  n: number,
) => void;

/** Where samples are held until their filters are done, and what is given. */
export interface Arrays<S extends Samples, H extends Samples> {
  /** Of the type that the dot product takes, which need not be that of the samples. */
  readonly held: (length: number) => H;
  readonly given: (length: number) => S;
}

const INITIAL_CAPACITY = 4096;
/** Filters are read in blocks of eight: what they read after the last sample is multiplied by 0, and must be a number. */
const READ_AHEAD = 8;

export class ChannelResampler<S extends Samples, H extends Samples = S> {
  readonly #filter: ResampleFilter;
  readonly #dot: DotProduct<S, H>;
  readonly #arrays: Arrays<S, H>;
  /** Samples that filters still need, `#length` of them. */
  #buffer: H;
  #length = 0;
  #out: S;
  #isStarted = false;
  #phase = 0;
  #fraction = 0;

  constructor(filter: ResampleFilter, dot: DotProduct<S, H>, arrays: Arrays<S, H>) {
    this.#filter = filter;
    this.#dot = dot;
    this.#arrays = arrays;
    this.#buffer = arrays.held(INITIAL_CAPACITY);
    this.#out = arrays.given(INITIAL_CAPACITY);
  }

  /** @returns all output samples that the input so far determines, valid until the next call */
  push(samples: S): S {
    this.#append(samples);
    return this.#run();
  }

  /** Ends the recording. @returns the rest: as in ffmpeg nothing, if all of it was shorter than 2/3 of a filter */
  end(): S {
    const reflected = (Math.min(this.#length, this.#filter.nTaps) + 1) >> 1;
    this.#append(this.#buffer.slice(this.#length - reflected, this.#length).reverse());
    return this.#run();
  }

  #append(samples: Samples): void {
    const needed = this.#length + samples.length + READ_AHEAD;
    if (needed > this.#buffer.length) {
      const grown = this.#arrays.held(Math.max(needed, 2 * this.#buffer.length));
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    this.#buffer.set(samples, this.#length);
    this.#length += samples.length;
  }

  #run(): S {
    const { nTaps, nPhases, step, stepMod, stepDenominator } = this.#filter;
    if (!this.#isStarted) {
      if (this.#length <= nTaps) return this.#give(0);
      this.#mirrorStart();
    }
    const capacity = Math.ceil(((this.#length - nTaps + 1) * nPhases) / step) + 1;
    if (capacity > this.#out.length) this.#out = this.#arrays.given(Math.max(capacity, 2 * this.#out.length));
    const out = this.#out;
    const buffer = this.#buffer;
    const end = this.#length - nTaps;
    let [at, phase, fraction, n] = [0, this.#phase, this.#fraction, 0];
    while (at <= end) {
      this.#dot(buffer, at, phase, fraction, out, n++);
      phase += step;
      fraction += stepMod;
      if (fraction >= stepDenominator) {
        fraction -= stepDenominator;
        phase++;
      }
      while (phase >= nPhases) {
        phase -= nPhases;
        at++;
      }
    }
    buffer.copyWithin(0, at, this.#length);
    this.#length -= at;
    this.#phase = phase;
    this.#fraction = fraction;
    return this.#give(n);
  }

  // `subarray` of a union of types is not callable as one; each member gives its own.
  #give(length: number): S {
    return this.#out.subarray(0, length) as S;
  }

  #mirrorStart(): void {
    const { centre } = this.#filter;
    const mirrored = this.#buffer.slice(1, centre + 1).reverse();
    const rest = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    this.#append(mirrored);
    this.#append(rest);
    this.#isStarted = true;
  }
}
