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
import { AudioError } from '../../base/errors.ts';
import { SAMPLE_RATE } from '../constants.ts';
import type { ChannelSamples, PcmFormat, PcmPiece, SampleFormat } from '../pcm.ts';
import { type Arrays, ChannelResampler, type DotProduct, type Samples } from './channelResampler.ts';
import { dotF32 } from './dotF32.ts';
import { downMixWeights, type Mix, mixF32, mixF64, mixS16 } from './downMix.ts';
import { type ResampleFilter, resampleFilter } from './filter.ts';
import { clampInt16, roundHalfEven } from './rounding.ts';

/** Hz. */
const MIN_RATE = 1000;
const MAX_RATE = 768000;
/** Of all filters together, after which there is no other: a usual one has 15,000. */
const MAX_COEFFICIENTS = 1 << 22;

/**
 * Takes a recording piece by piece and keeps only its 16-bit result. Where the format of the pieces changes, filters and
 * weights are made anew, and what the old filter still held is lost, as in ffmpeg's command.
 */
export class MonoResampler {
  #mixers: Mixers = {};
  #format: PcmFormat | undefined;
  readonly #filters = new Filters();
  /** The result so far, `#length` of it. */
  #samples = new Float32Array(0);
  #length = 0;
  /** Seconds of the recording so far. */
  #seconds = 0;
  #nonFinite: NonFinite | undefined;

  /** NaN and infinite samples of the recording so far. */
  get nonFinite(): NonFinite | undefined {
    return this.#nonFinite;
  }

  /** @throws {AudioError} `channels` where there is no rule to mix them, `sampleRate` outside of 1 to 768 kHz */
  push(piece: PcmPiece): void {
    if (!this.#format || !isSameFormat(this.#format, piece)) {
      checkRate(piece.sampleRate);
      const { sampleFormat, sampleRate, nChannels, channelMask } = piece;
      this.#format = { sampleFormat, sampleRate, nChannels, channelMask };
      this.#mixers = {};
    }
    const mixers = this.#mixers;
    switch (piece.sampleFormat) {
      case 's16':
        mixers.s16 ??= s16Mixer(piece, this.#filters);
        this.#keep(mixers.s16.push(piece.channels), mixers.s16.round);
        break;
      case 's32':
        mixers.s32 ??= s32Mixer(piece, this.#filters);
        this.#keep(mixers.s32.push(piece.channels), mixers.s32.round);
        break;
      case 'f32':
        mixers.f32 ??= f32Mixer(piece, this.#filters);
        this.#countNonFinite(piece.channels, piece.sampleRate);
        this.#keep(mixers.f32.push(piece.channels), mixers.f32.round);
        break;
      case 'f64':
        mixers.f64 ??= f64Mixer(piece, this.#filters);
        this.#countNonFinite(piece.channels, piece.sampleRate);
        this.#keep(mixers.f64.push(piece.channels), mixers.f64.round);
        break;
    }
    this.#seconds += (piece.channels[0]?.length ?? 0) / piece.sampleRate;
  }

  /** Ends the recording. @returns what `take` has not: mono, 16 kHz, n / 32768; shape [nSamples] */
  end(): Float32Array<ArrayBuffer> {
    for (const mixer of Object.values(this.#mixers)) this.#keep(mixer.end(), mixer.round);
    return this.take();
  }

  /** Gives the samples that are done by now and forgets them. @returns valid until the next call of any method */
  take(): Float32Array<ArrayBuffer> {
    const samples = this.#samples.subarray(0, this.#length);
    this.#length = 0;
    return samples;
  }

  #keep(values: ArrayLike<number>, round: (value: number) => number): void {
    const length = this.#length + values.length;
    if (length > this.#samples.length) {
      const grown = new Float32Array(Math.max(length, 2 * this.#samples.length));
      grown.set(this.#samples.subarray(0, this.#length));
      this.#samples = grown;
    }
    const samples = this.#samples;
    for (let i = 0, at = this.#length; i < values.length; i++, at++) samples[at] = round(values[i]!) / 32768;
    this.#length = length;
  }

  #countNonFinite(channels: readonly (Float32Array | Float64Array)[], sampleRate: number): void {
    for (const channel of channels) {
      for (let i = 0; i < channel.length; i++) {
        if (Number.isFinite(channel[i])) continue;
        const seconds = this.#seconds + i / sampleRate;
        this.#nonFinite = { seconds: this.#nonFinite?.seconds ?? seconds, count: (this.#nonFinite?.count ?? 0) + 1 };
      }
    }
  }
}

/** NaN and infinite samples: the time of the first, and how many there are. */
export interface NonFinite {
  readonly seconds: number;
  readonly count: number;
}

/** The filters of one recording, each computed once: in a few bytes a file can ask for another rate. */
class Filters {
  readonly #byRate = new Map<number, ResampleFilter>();
  #nCoefficients = 0;

  /** @throws {AudioError} `malformed` for rates without end */
  of(sampleRate: number): ResampleFilter {
    const known = this.#byRate.get(sampleRate);
    if (known) return known;
    if (this.#nCoefficients > MAX_COEFFICIENTS) {
      throw new AudioError('malformed', `The recording changes its sample rate to ${this.#byRate.size} others.`);
    }
    const filter = resampleFilter(sampleRate);
    this.#nCoefficients += filter.bank.length;
    this.#byRate.set(sampleRate, filter);
    return filter;
  }
}

function checkRate(sampleRate: number): void {
  if (Number.isInteger(sampleRate) && sampleRate >= MIN_RATE && sampleRate <= MAX_RATE) return;
  const range = `${MIN_RATE} to ${MAX_RATE}`;
  throw new AudioError('sampleRate', `The recording has a sample rate of ${sampleRate} Hz, not ${range}.`);
}

function isSameFormat(a: PcmFormat, b: PcmFormat): boolean {
  return (
    a.sampleFormat === b.sampleFormat &&
    a.sampleRate === b.sampleRate &&
    a.nChannels === b.nChannels &&
    a.channelMask === b.channelMask
  );
}

/** Channels in, one channel at 16 kHz out, not yet rounded to 16 bits; what it gives is valid until the next call. */
interface Mixer<Channel> {
  push(channels: readonly Channel[]): ArrayLike<number>;
  end(): ArrayLike<number>;
  /** To 16 bits. */
  readonly round: (value: number) => number;
}

/** How a format is filtered and mixed. */
interface Arithmetic<S extends Samples, H extends Samples> {
  readonly arrays: Arrays<S, H>;
  readonly dot: (filter: ResampleFilter) => DotProduct<H>;
  readonly mix: (weights: readonly number[]) => Mix<S>;
  readonly round: (value: number) => number;
}

const int16 = (length: number): Int16Array<ArrayBuffer> => new Int16Array(length);
const float32 = (length: number): Float32Array<ArrayBuffer> => new Float32Array(length);
const float64 = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);

const FIXED_16: Arithmetic<Int16Array<ArrayBuffer>, Int16Array<ArrayBuffer>> = {
  arrays: { given: int16, held: int16 },
  dot: dotS16,
  mix: mixS16,
  round: (value) => value,
};
const FLOAT_32: Arithmetic<Float32Array<ArrayBuffer>, Float64Array<ArrayBuffer>> = {
  arrays: { given: float32, held: float64 },
  dot: dotF32,
  mix: mixF32,
  round: unitToInt16,
};
const FLOAT_64: Arithmetic<Float64Array<ArrayBuffer>, Float64Array<ArrayBuffer>> = {
  arrays: { given: float64, held: float64 },
  dot: dotF64,
  mix: mixF64,
  round: doubleToInt16,
};

/** The mixer in use, under its sample format. */
type Mixers = { [F in SampleFormat]?: Mixer<ChannelSamples[F]> };

const s16Mixer = (format: PcmFormat, filters: Filters): Mixer<ChannelSamples['s16']> =>
  createMixer(FIXED_16, (samples) => samples, format, filters);
const f32Mixer = (format: PcmFormat, filters: Filters): Mixer<ChannelSamples['f32']> =>
  createMixer(FLOAT_32, (samples) => samples, format, filters);
const f64Mixer = (format: PcmFormat, filters: Filters): Mixer<ChannelSamples['f64']> =>
  createMixer(FLOAT_64, (samples) => samples, format, filters);

function s32Mixer(format: PcmFormat, filters: Filters): Mixer<ChannelSamples['s32']> {
  if (format.sampleRate === SAMPLE_RATE && format.nChannels === 1) {
    return { push: ([samples]) => samples!, end: () => [], round: (value) => value >> 16 };
  }
  const floats = Array.from({ length: format.nChannels }, () => new Float32Array(0));
  const toFloat = (samples: Int32Array, c: number): Float32Array<ArrayBuffer> => {
    if (samples.length > floats[c]!.length) floats[c] = new Float32Array(samples.length);
    const out = floats[c]!.subarray(0, samples.length);
    for (let i = 0; i < out.length; i++) out[i] = samples[i]! / 2 ** 31;
    return out;
  };
  return createMixer(FLOAT_32, toFloat, format, filters);
}

/**
 * A sample in [-1, 1] to 16 bits. What has no place in 32 bits, NaN too, is the least number: so x86 converts it, and with
 * it ffmpeg.
 */
function unitToInt16(value: number): number {
  const scaled = value * 32768;
  return Math.abs(scaled) < 2 ** 31 ? clampInt16(roundHalfEven(scaled)) : -32768;
}

/** The same in C, which ffmpeg uses for f64: to 64 bits, of which the low 32 are clamped. What has no place there is 0. */
function doubleToInt16(value: number): number {
  const scaled = value * 32768;
  if (!(Math.abs(scaled) < 2 ** 63)) return 0;
  return clampInt16((Math.abs(scaled) < 2 ** 51 ? roundHalfEven(scaled) : scaled) | 0);
}

/** @param convert channel `c` of a piece; what it gives is used until it is called again for that channel */
function createMixer<Channel, S extends Samples, H extends Samples>(
  arithmetic: Arithmetic<S, H>,
  convert: (channel: Channel, c: number) => S,
  format: PcmFormat,
  filters: Filters,
): Mixer<Channel> {
  const { arrays, round } = arithmetic;
  const weights = downMixWeights(format);
  const mix = arithmetic.mix(weights);
  let mixed = arrays.given(0);
  const toMono = (channels: readonly S[]): ArrayLike<number> => {
    const first = channels[0]!; // every format has a channel
    if (channels.length === 1) return first;
    if (first.length > mixed.length) mixed = arrays.given(first.length);
    mix(channels, mixed, first.length);
    return mixed.subarray(0, first.length);
  };
  if (format.sampleRate === SAMPLE_RATE)
    return { push: (channels) => toMono(channels.map(convert)), end: () => [], round };
  const filter = filters.of(format.sampleRate);
  const dot = arithmetic.dot(filter);
  const resamplers = weights.map(() => new ChannelResampler(filter, dot, arrays));
  return {
    push: (channels) => toMono(resamplers.map((resampler, c) => resampler.push(convert(channels[c]!, c)))),
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
