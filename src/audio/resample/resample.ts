/**
 * Any sound to mono 16 kHz in 16 bits, sample for sample as `ffmpeg -f s16le -ac 1 -ar 16000` gives it (which is what
 * openai/whisper decodes with): near ties in decoding hang on the last bit. What that means:
 * - sources of 16 bits or fewer are filtered and mixed in 16-bit fixed point, f64 ones in f64, all others in f32;
 * - every channel is resampled first, then the channels are mixed (see `downMix.ts`);
 * - floats are rounded half to even; 24 and 32-bit integers lose their low bits where nothing else is done to them;
 * - f32 sums run in eight lanes with fused multiply-add, as on any x86 of the last ten years.
 *
 * @see FFmpeg 5.1, libswresample (facts only): swresample.c, resample.c, x86/resample.asm, audioconvert.c
 */
import { concat } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import { SAMPLE_RATE } from '../constants.ts';
import type { PcmFormat, PcmSink, Planes, SampleFormat } from '../pcm.ts';
import { ChannelResampler, type Samples, type Tap } from './channelResampler.ts';
import { tapF32 } from './dotF32.ts';
import { downMixWeights, type Mix, mixF32, mixF64, mixS16 } from './downMix.ts';
import { type ResampleFilter, resampleFilter } from './filter.ts';
import { clampInt16, roundHalfEven } from './rounding.ts';

const lowestRate = 1000;
const highestRate = 768000;

/** Takes a recording piece by piece and holds only its 16-bit result. */
export class MonoResampler<F extends SampleFormat> implements PcmSink<F> {
  readonly #stream: Stream<Planes[F]>;
  readonly #pieces: Int16Array[] = [];
  #length = 0;

  /** @throws {AudioError} `channels` where there is no rule to mix them, `sampleRate` outside of 1 to 768 kHz */
  constructor(format: PcmFormat<F>) {
    const { sampleRate, sampleFormat } = format;
    if (!(Number.isInteger(sampleRate) && sampleRate >= lowestRate && sampleRate <= highestRate)) {
      const range = `${lowestRate} to ${highestRate}`;
      throw new AudioError('sampleRate', `The recording has ${sampleRate} samples a second, not ${range}.`);
    }
    this.#stream = streams[sampleFormat](sampleRate, downMixWeights(format));
  }

  /** 16 kHz samples so far. */
  get length(): number {
    return this.#length;
  }

  /** @throws {AudioError} `nonFinite` at a NaN or infinite sample, with its time */
  push(planes: readonly Planes[F][]): void {
    this.#keep(this.#stream.push(planes));
  }

  /** Ends the recording. @returns what `take` has not: mono, 16 kHz, n / 32768; shape [nSamples] */
  end(): Float32Array<ArrayBuffer> {
    this.#keep(this.#stream.end());
    return this.take();
  }

  /** What is done by now, and lets go of it: for sound that is still coming. */
  take(): Float32Array<ArrayBuffer> {
    const samples = concat(Float32Array, this.#pieces.splice(0));
    for (let i = 0; i < samples.length; i++) samples[i] = samples[i]! / 32768;
    return samples;
  }

  #keep(values: ArrayLike<number>): void {
    const { round } = this.#stream;
    const piece = new Int16Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) {
        const seconds = ((this.#length + i) / SAMPLE_RATE).toFixed(3);
        throw new AudioError('nonFinite', `The recording has a NaN or infinite sample at about ${seconds} s.`);
      }
      piece[i] = round(value);
    }
    this.#pieces.push(piece);
    this.#length += piece.length;
  }
}

/** Channels in, one channel at 16 kHz out, not yet rounded to 16 bits. */
interface Stream<Plane> {
  push(planes: readonly Plane[]): ArrayLike<number>;
  end(): ArrayLike<number>;
  /** To 16 bits. */
  readonly round: (value: number) => number;
}

/** How a format is filtered and mixed. */
interface Arithmetic<S extends Samples> {
  readonly allocate: (length: number) => S;
  readonly tap: (filter: ResampleFilter) => Tap<S>;
  readonly mix: (weights: readonly number[]) => Mix<S>;
  readonly round: (value: number) => number;
}

const roundUnit = (value: number): number => clampInt16(roundHalfEven(value * 32768));

const fixed16: Arithmetic<Int16Array<ArrayBuffer>> = {
  allocate: (length) => new Int16Array(length),
  tap: tapS16,
  mix: mixS16,
  round: (value) => value,
};
const float32: Arithmetic<Float32Array<ArrayBuffer>> = {
  allocate: (length) => new Float32Array(length),
  tap: tapF32,
  mix: mixF32,
  round: roundUnit,
};
const float64: Arithmetic<Float64Array<ArrayBuffer>> = {
  allocate: (length) => new Float64Array(length),
  tap: tapF64,
  mix: mixF64,
  round: roundUnit,
};

const streams: { readonly [F in SampleFormat]: (rate: number, weights: readonly number[]) => Stream<Planes[F]> } = {
  s16: (rate, weights) => createStream(fixed16, (plane) => plane, rate, weights),
  s32: (rate, weights) =>
    rate === SAMPLE_RATE && weights.length === 1
      ? { push: ([plane]) => plane!, end: () => [], round: (value) => value >> 16 }
      : createStream(float32, s32ToF32, rate, weights),
  f32: (rate, weights) => createStream(float32, (plane) => plane, rate, weights),
  f64: (rate, weights) => createStream(float64, (plane) => plane, rate, weights),
};

function s32ToF32(plane: Int32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(plane.length);
  for (let i = 0; i < plane.length; i++) out[i] = plane[i]! / 2 ** 31;
  return out;
}

function createStream<Plane, S extends Samples>(
  arithmetic: Arithmetic<S>,
  convert: (plane: Plane) => S,
  rate: number,
  weights: readonly number[],
): Stream<Plane> {
  const { allocate, round } = arithmetic;
  const filter = rate === SAMPLE_RATE ? undefined : resampleFilter(rate);
  const tap = filter && arithmetic.tap(filter);
  const channels = filter && tap ? weights.map(() => new ChannelResampler(filter, tap, allocate)) : undefined;
  const mix = arithmetic.mix(weights);
  const mixed = (planes: readonly S[]): S => {
    const first = planes[0]!;
    if (planes.length === 1) return first;
    const out = allocate(first.length);
    mix(planes, out, out.length);
    return out;
  };
  return {
    push: (planes) => {
      const converted = planes.map(convert);
      return mixed(channels ? channels.map((channel, i) => channel.push(converted[i]!)) : converted);
    },
    end: () => (channels ? mixed(channels.map((channel) => channel.end())) : []),
    round,
  };
}

/** 32-bit sums of 16-bit products (modulo 2^32, as pmaddwd and paddd), rounded half up to 15 bits less. */
function tapS16(filter: ResampleFilter): Tap<Int16Array<ArrayBuffer>> {
  const { nTaps, stride, stepMod, stepDenominator } = filter;
  const bank = Int16Array.from(filter.bank, (v) => clampInt16(roundHalfEven(Math.fround(v * 32768))));
  const sum = (samples: Int16Array, at: number, row: number): number => {
    let total = 0x4000;
    for (let i = 0; i < nTaps; i++) total = (total + samples[at + i]! * bank[row + i]!) | 0;
    return total;
  };
  return (samples, at, phase, fraction) => {
    let total = sum(samples, at, phase * stride);
    if (stepMod !== 0) {
      const next = sum(samples, at, (phase + 1) * stride);
      total = (total + Math.trunc((((next - total) | 0) * fraction) / stepDenominator)) | 0;
    }
    return clampInt16(total >> 15);
  };
}

/** Four lanes; without a fused operation in JavaScript the last bit of an f64 may differ, which 16 bits do not show. */
function tapF64(filter: ResampleFilter): Tap<Float64Array<ArrayBuffer>> {
  const { bank, nTaps, stride, stepMod, stepDenominator } = filter;
  const sum = (x: Float64Array, at: number, row: number): number => {
    let total = 0;
    for (let i = 0; i < nTaps; i++) total += x[at + i]! * bank[row + i]!;
    return total;
  };
  return (samples, at, phase, fraction) => {
    const value = sum(samples, at, phase * stride);
    if (stepMod === 0) return value;
    return value + (sum(samples, at, (phase + 1) * stride) - value) * (fraction / stepDenominator);
  };
}
