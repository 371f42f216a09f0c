/**
 * Samples of any format to mono 16 kHz in 16 bits, bit for bit as `ffmpeg -f s16le -ac 1 -ar 16000` gives them (which is
 * what openai/whisper decodes with), since the last bit can decide between two nearly equal tokens. That means:
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
import type { ChannelSamples, PcmFormat, SampleFormat } from '../pcm.ts';
import { ChannelResampler, type DotProduct, type Samples } from './channelResampler.ts';
import { dotF32 } from './dotF32.ts';
import { downMixWeights, type Mix, mixF32, mixF64, mixS16 } from './downMix.ts';
import { type ResampleFilter, resampleFilter } from './filter.ts';
import { clampInt16, roundHalfEven } from './rounding.ts';

/** Hz. */
const MIN_RATE = 1000;
const MAX_RATE = 768000;

/** Takes a recording piece by piece and keeps only its 16-bit result. */
export class MonoResampler<F extends SampleFormat> {
  readonly #mixer: Mixer<ChannelSamples[F]>;
  readonly #pieces: Int16Array[] = [];
  #length = 0;

  /** @throws {AudioError} `channels` where there is no rule to mix them, `sampleRate` outside of 1 to 768 kHz */
  constructor(format: PcmFormat<F>) {
    const { sampleRate, sampleFormat } = format;
    if (!(Number.isInteger(sampleRate) && sampleRate >= MIN_RATE && sampleRate <= MAX_RATE)) {
      const range = `${MIN_RATE} to ${MAX_RATE}`;
      throw new AudioError('sampleRate', `The recording has a sample rate of ${sampleRate} Hz, not ${range}.`);
    }
    this.#mixer = MIXERS[sampleFormat](sampleRate, downMixWeights(format));
  }

  /**
   * @param channels one array a channel, all of the same length
   * @throws {AudioError} `nonFinite` at a NaN or infinite sample, with its time
   */
  push(channels: readonly ChannelSamples[F][]): void {
    this.#keep(this.#mixer.push(channels));
  }

  /** Ends the recording. @returns what `take` has not: mono, 16 kHz, n / 32768; shape [nSamples] */
  end(): Float32Array<ArrayBuffer> {
    this.#keep(this.#mixer.end());
    return this.take();
  }

  /** Gives the samples that are done by now and forgets them, for a recording that is not complete yet. */
  take(): Float32Array<ArrayBuffer> {
    const samples = concat(Float32Array, this.#pieces.splice(0));
    for (let i = 0; i < samples.length; i++) samples[i] = samples[i]! / 32768;
    return samples;
  }

  #keep(values: ArrayLike<number>): void {
    const { round } = this.#mixer;
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
interface Mixer<Channel> {
  push(channels: readonly Channel[]): ArrayLike<number>;
  end(): ArrayLike<number>;
  /** To 16 bits. */
  readonly round: (value: number) => number;
}

/** How a format is filtered and mixed. */
interface Arithmetic<S extends Samples> {
  readonly allocate: (length: number) => S;
  readonly dot: (filter: ResampleFilter) => DotProduct<S>;
  readonly mix: (weights: readonly number[]) => Mix<S>;
  readonly round: (value: number) => number;
}

const FIXED_16: Arithmetic<Int16Array<ArrayBuffer>> = {
  allocate: (length) => new Int16Array(length),
  dot: dotS16,
  mix: mixS16,
  round: (value) => value,
};
const FLOAT_32: Arithmetic<Float32Array<ArrayBuffer>> = {
  allocate: (length) => new Float32Array(length),
  dot: dotF32,
  mix: mixF32,
  round: unitToInt16,
};
const FLOAT_64: Arithmetic<Float64Array<ArrayBuffer>> = {
  allocate: (length) => new Float64Array(length),
  dot: dotF64,
  mix: mixF64,
  round: unitToInt16,
};

const MIXERS: {
  readonly [F in SampleFormat]: (rate: number, weights: readonly number[]) => Mixer<ChannelSamples[F]>;
} = {
  s16: (rate, weights) => createMixer(FIXED_16, (samples) => samples, rate, weights),
  s32: (rate, weights) =>
    rate === SAMPLE_RATE && weights.length === 1
      ? { push: ([samples]) => samples!, end: () => [], round: (value) => value >> 16 }
      : createMixer(FLOAT_32, s32ToF32, rate, weights),
  f32: (rate, weights) => createMixer(FLOAT_32, (samples) => samples, rate, weights),
  f64: (rate, weights) => createMixer(FLOAT_64, (samples) => samples, rate, weights),
};

/** A sample in [-1, 1] to 16 bits. */
function unitToInt16(value: number): number {
  return clampInt16(roundHalfEven(value * 32768));
}

function s32ToF32(samples: Int32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = samples[i]! / 2 ** 31;
  return out;
}

function createMixer<Channel, S extends Samples>(
  arithmetic: Arithmetic<S>,
  convert: (channel: Channel) => S,
  rate: number,
  weights: readonly number[],
): Mixer<Channel> {
  const { allocate, round } = arithmetic;
  const mix = arithmetic.mix(weights);
  const toMono = (channels: readonly S[]): S => {
    const first = channels[0]!; // every format has a channel
    if (channels.length === 1) return first;
    const out = allocate(first.length);
    mix(channels, out, out.length);
    return out;
  };
  if (rate === SAMPLE_RATE) return { push: (channels) => toMono(channels.map(convert)), end: () => [], round };
  const filter = resampleFilter(rate);
  const dot = arithmetic.dot(filter);
  const resamplers = weights.map(() => new ChannelResampler(filter, dot, allocate));
  return {
    push: (channels) => {
      const converted = channels.map(convert);
      return toMono(resamplers.map((resampler, c) => resampler.push(converted[c]!)));
    },
    end: () => toMono(resamplers.map((resampler) => resampler.end())),
    round,
  };
}

/** 32-bit sums of 16-bit products (modulo 2^32, as pmaddwd and paddd), rounded half up to 15 bits less. */
function dotS16(filter: ResampleFilter): DotProduct<Int16Array<ArrayBuffer>> {
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

/** JavaScript has no fused operation, so the last bit of an f64 may differ from ffmpeg's: 16 bits do not show it. */
function dotF64(filter: ResampleFilter): DotProduct<Float64Array<ArrayBuffer>> {
  const { bank, nTaps, stride, stepMod, stepDenominator } = filter;
  const sum = (samples: Float64Array, at: number, row: number): number => {
    let total = 0;
    for (let i = 0; i < nTaps; i++) total += samples[at + i]! * bank[row + i]!;
    return total;
  };
  return (samples, at, phase, fraction) => {
    const value = sum(samples, at, phase * stride);
    if (stepMod === 0) return value;
    return value + (sum(samples, at, (phase + 1) * stride) - value) * (fraction / stepDenominator);
  };
}
