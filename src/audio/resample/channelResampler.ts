/**
 * One channel through the polyphase filter, piece by piece. The arithmetic (16-bit fixed point, f32, f64) is handed in.
 * The edges are ffmpeg's: before the first sample stands its mirror image, x[-k] = x[k]; when the end comes, what is
 * left is reflected behind it, last sample included, by half its length.
 */
import type { ResampleFilter } from './filter.ts';

export type Samples = Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * The sum of one filter position over `samples` from `at` on, in the arithmetic of its format; between `phase` and the
 * next one by `fraction` (in 1 / stepDenominator) where the rates have no exact ratio.
 */
export type Tap<S extends Samples> = (samples: S, at: number, phase: number, fraction: number) => number;

export class ChannelResampler<S extends Samples> {
  readonly #filter: ResampleFilter;
  readonly #tap: Tap<S>;
  readonly #allocate: (length: number) => S;
  #buffer: S;
  #length = 0;
  #isStarted = false;
  #phase = 0;
  #fraction = 0;

  constructor(filter: ResampleFilter, tap: Tap<S>, allocate: (length: number) => S) {
    this.#filter = filter;
    this.#tap = tap;
    this.#allocate = allocate;
    this.#buffer = allocate(4096);
  }

  /** Takes samples, gives all that can be computed from what has come so far. */
  push(samples: S): S {
    this.#append(samples);
    return this.#run();
  }

  /** The end of the recording: gives the rest. Fewer than 2/3 of a filter's samples in all give nothing, as in ffmpeg. */
  end(): S {
    const reflected = (Math.min(this.#length, this.#filter.nTaps) + 1) >> 1;
    const tail = this.#allocate(reflected);
    for (let i = 0; i < reflected; i++) tail[i] = this.#buffer[this.#length - 1 - i]!;
    this.#append(tail);
    return this.#run();
  }

  #append(samples: S): void {
    // Filters are read in eights: what is behind the end is multiplied by 0, and must be a number.
    const needed = this.#length + samples.length + 8;
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
      out[n++] = this.#tap(buffer, at, phase, fraction);
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
    for (let i = 0; i < n; i++) given[i] = out[i]!;
    return given;
  }

  #mirrorStart(): void {
    const { centre } = this.#filter;
    const mirrored = this.#allocate(centre);
    for (let k = 1; k <= centre; k++) mirrored[centre - k] = this.#buffer[k]!;
    const rest = this.#allocate(this.#length);
    for (let i = 0; i < rest.length; i++) rest[i] = this.#buffer[i]!;
    this.#length = 0;
    this.#append(mirrored);
    this.#append(rest);
    this.#isStarted = true;
  }
}
