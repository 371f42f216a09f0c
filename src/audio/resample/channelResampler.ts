/**
 * One channel through the polyphase filter, piece by piece. The arithmetic (16-bit fixed point, f32 or f64) is the machine's.
 * The edges are ffmpeg's: before the first sample the signal is mirrored about it, x[-k] = x[k]; at the end the samples that
 * are left in the buffer, at most one filter length, are continued by half of them in reverse order.
 */
import type { ResampleFilter } from './filter.ts';
import type { FilterMachine, MachineMaker, Samples } from './filterMachine.ts';

/** Samples that are taken in at once. */
const PIECE = 4096;
/** Filters are read in blocks of eight: what they read after the last sample is multiplied by 0, and must be a number. */
const READ_AHEAD = 8;

export class ChannelResampler<S extends Samples> {
  readonly #filter: ResampleFilter;
  readonly #machine: FilterMachine<S>;
  readonly #capacity: number;
  /** Of the machine's samples, that filters still need. */
  #length = 0;
  #isStarted = false;
  #out: S;
  #given = 0;

  constructor(filter: ResampleFilter, make: MachineMaker<S>) {
    this.#filter = filter;
    // What a filter needs before it starts, mirrored, and a piece.
    this.#capacity = 2 * filter.nTaps + PIECE;
    this.#machine = make(filter, this.#capacity + READ_AHEAD);
    this.#out = this.#machine.given(0);
  }

  /** @returns all output samples that the input so far determines, valid until the next call */
  push(samples: S): S {
    this.#given = 0;
    this.#take(samples);
    return this.#result();
  }

  /** Ends the recording. @returns the rest: as in ffmpeg nothing, if all of it was shorter than 2/3 of a filter */
  end(): S {
    this.#given = 0;
    const reflected = (Math.min(this.#length, this.#filter.nTaps) + 1) >> 1;
    this.#take(this.#machine.samples.slice(this.#length - reflected, this.#length).reverse());
    return this.#result();
  }

  #take(samples: Samples): void {
    for (let from = 0; from < samples.length; ) {
      const room = this.#capacity - this.#length - (this.#isStarted ? 0 : this.#filter.centre);
      const count = Math.min(samples.length - from, room);
      this.#append(samples.subarray(from, from + count));
      from += count;
      this.#run();
    }
  }

  #append(samples: Samples): void {
    this.#machine.samples.set(samples, this.#length);
    this.#length += samples.length;
  }

  #run(): void {
    const { nTaps } = this.#filter;
    if (!this.#isStarted) {
      if (this.#length <= nTaps) return;
      this.#mirrorStart();
    }
    const { samples } = this.#machine;
    samples.fill(0, this.#length, this.#length + READ_AHEAD);
    const count = this.#machine.run(this.#length);
    const { out, taken } = this.#machine;
    samples.copyWithin(0, taken, this.#length);
    this.#length -= taken;
    if (this.#given + count > this.#out.length) this.#grow(this.#given + count);
    this.#out.set(out.subarray(0, count), this.#given);
    this.#given += count;
  }

  #grow(length: number): void {
    const grown = this.#machine.given(Math.max(length, 2 * this.#out.length));
    grown.set(this.#out);
    this.#out = grown;
  }

  // `subarray` of a union of types is not callable as one; each member gives its own.
  #result(): S {
    return this.#out.subarray(0, this.#given) as S;
  }

  #mirrorStart(): void {
    const { samples } = this.#machine;
    const { centre } = this.#filter;
    const mirrored = samples.slice(1, centre + 1).reverse();
    samples.copyWithin(centre, 0, this.#length);
    samples.set(mirrored);
    this.#length += centre;
    this.#isStarted = true;
  }
}
