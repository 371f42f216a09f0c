/** What applies the filters of one channel: by plain JavaScript here, by WebAssembly in wasmMachine.ts. */
import type { ResampleFilter } from './filter.ts';

export type Samples = Int16Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Applies one filter after the other to the samples that it is given, and knows which one is next. */
export interface FilterMachine<S extends Samples> {
  /** For the caller to fill, from the sample on that the next filter begins at. It may hold another type than `out`. */
  readonly samples: Samples;
  /** What `run` wrote. */
  readonly out: S;
  /** Room for `length` of what it writes. */
  given(length: number): S;
  /** Samples that no filter needs any more, after `run`: the caller moves the others to the front. */
  readonly taken: number;
  /** Applies all filters that lie within the first `length` samples. @returns how many */
  run(length: number): number;
}

/** @param capacity samples that a machine is to hold */
export type MachineMaker<S extends Samples> = (filter: ResampleFilter, capacity: number) => FilterMachine<S>;

/** As `MachineMaker`, for filters that the machine can apply. */
export type FastMaker<S extends Samples> = (...parts: Parameters<MachineMaker<S>>) => FilterMachine<S> | undefined;

/** Machines that are faster than plain JavaScript, where there are any (wasmMachine.ts). */
export interface FastMachines {
  readonly s16?: FastMaker<Int16Array<ArrayBuffer>> | undefined;
  readonly f32?: FastMaker<Float32Array<ArrayBuffer>> | undefined;
}

/** Filters that fit in so many samples, at most. */
export function outputsOf({ nPhases, step }: ResampleFilter, capacity: number): number {
  return Math.ceil((capacity * nPhases) / step) + 1;
}

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

/** How a format's samples are held and multiplied. */
export interface Arithmetic<S extends Samples, H extends Samples> {
  /** Samples, in the type that the dot product takes. */
  readonly held: (length: number) => H;
  readonly given: (length: number) => S;
  readonly dot: (filter: ResampleFilter) => DotProduct<S, H>;
}

export function javaScriptMachine<S extends Samples, H extends Samples>(
  { held, given, dot }: Arithmetic<S, H>,
  filter: ResampleFilter,
  capacity: number,
): FilterMachine<S> {
  const { nTaps, nPhases, step, stepMod, stepDenominator } = filter;
  const product = dot(filter);
  const samples = held(capacity);
  const out = given(outputsOf(filter, capacity));
  let [taken, phase, fraction] = [0, 0, 0];
  return {
    samples,
    out,
    given,
    get taken() {
      return taken;
    },
    run(length) {
      let [at, n] = [0, 0];
      for (const end = length - nTaps; at <= end; ) {
        product(samples, at, phase, fraction, out, n++);
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
      taken = at;
      return n;
    },
  };
}
