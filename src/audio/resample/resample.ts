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
import { type ChannelSamples, isSameFormat, type PcmFormat, type PcmPiece, type SampleFormat } from '../pcm.ts';
import { ChannelResampler } from './channelResampler.ts';
import { dotF32 } from './dotF32.ts';
import { dotF64 } from './dotF64.ts';
import { dotS16 } from './dotS16.ts';
import { downMixWeights, type Mix, mixF32, mixF64, mixS16 } from './downMix.ts';
import { type ResampleFilter, resampleFilter } from './filter.ts';
import {
  type Arithmetic,
  type FastMachines,
  type FastMaker,
  javaScriptMachine,
  type MachineMaker,
  type Samples,
} from './filterMachine.ts';
import { MonoBuffer } from './monoBuffer.ts';
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
  readonly #filters: Filters;
  readonly #out = new MonoBuffer();
  /** Seconds of the recording so far. */
  #seconds = 0;
  #nonFinite: NonFinite | undefined;

  constructor(fast: FastMachines = {}) {
    this.#filters = new Filters(fast);
  }

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
        mixers.s16.push(piece.channels, this.#out);
        break;
      case 's32':
        mixers.s32 ??= s32Mixer(piece, this.#filters);
        mixers.s32.push(piece.channels, this.#out);
        break;
      case 'f32':
        mixers.f32 ??= f32Mixer(piece, this.#filters);
        this.#countNonFinite(piece.channels, piece.sampleRate);
        mixers.f32.push(piece.channels, this.#out);
        break;
      case 'f64':
        mixers.f64 ??= f64Mixer(piece, this.#filters);
        this.#countNonFinite(piece.channels, piece.sampleRate);
        mixers.f64.push(piece.channels, this.#out);
        break;
    }
    this.#seconds += (piece.channels[0]?.length ?? 0) / piece.sampleRate;
  }

  /** Ends the recording. @returns what `take` has not: mono, 16 kHz, n / 32768; shape [nSamples] */
  end(): Float32Array<ArrayBuffer> {
    for (const mixer of Object.values(this.#mixers)) mixer.end(this.#out);
    return this.take();
  }

  /** Gives the samples that are done by now and forgets them. @returns valid until the next call of any method */
  take(): Float32Array<ArrayBuffer> {
    return this.#out.take();
  }

  #countNonFinite(channels: readonly (Float32Array | Float64Array)[], sampleRate: number): void {
    for (const channel of channels) {
      if (areFinite(channel)) continue;
      for (let i = 0; i < channel.length; i++) {
        if (Number.isFinite(channel[i])) continue;
        const seconds = this.#seconds + i / sampleRate;
        this.#nonFinite = { seconds: this.#nonFinite?.seconds ?? seconds, count: (this.#nonFinite?.count ?? 0) + 1 };
      }
    }
  }
}

/** Whether all samples are: x - x is NaN for all that are not, and so is a sum with it. */
function areFinite(samples: Float32Array | Float64Array): boolean {
  // Sums that do not wait for each other.
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 3; i < samples.length; i += 4) {
    a += samples[i - 3]! - samples[i - 3]!;
    b += samples[i - 2]! - samples[i - 2]!;
    c += samples[i - 1]! - samples[i - 1]!;
    d += samples[i]! - samples[i]!;
  }
  for (let i = samples.length & ~3; i < samples.length; i++) a += samples[i]! - samples[i]!;
  return a + b + c + d === 0;
}

/** NaN and infinite samples: the time of the first, and how many there are. */
export interface NonFinite {
  readonly seconds: number;
  readonly count: number;
}

/** The filters of one recording, each computed once (in a few bytes a file can ask for another rate), and what applies them. */
class Filters {
  readonly fast: FastMachines;
  readonly #byRate = new Map<number, ResampleFilter>();
  #nCoefficients = 0;

  constructor(fast: FastMachines) {
    this.fast = fast;
  }

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

/** Channels in, one channel at 16 kHz in 16 bits out. */
interface Mixer<Channel> {
  push(channels: readonly Channel[], out: MonoBuffer): void;
  end(out: MonoBuffer): void;
}

/** How a format is filtered and mixed. */
interface Processing<S extends Samples> {
  readonly given: (length: number) => S;
  readonly machine: MachineMaker<S>;
  readonly mix: (weights: readonly number[]) => Mix<S>;
  /** Writes the first `length` values, rounded to 16 bits, as n / 32768 to `out` from `at` on. */
  readonly round: (values: S, length: number, out: Float32Array, at: number) => void;
}

const int16 = (length: number): Int16Array<ArrayBuffer> => new Int16Array(length);
const float32 = (length: number): Float32Array<ArrayBuffer> => new Float32Array(length);
const float64 = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);

function inJavaScript<S extends Samples, H extends Samples>(arithmetic: Arithmetic<S, H>): MachineMaker<S> {
  return (filter, capacity) => javaScriptMachine(arithmetic, filter, capacity);
}

const FIXED_16: Processing<Int16Array<ArrayBuffer>> = {
  given: int16,
  machine: inJavaScript({ given: int16, held: int16, dot: dotS16 }),
  mix: mixS16,
  round: (values, length, out, at) => {
    for (let i = 0; i < length; i++) out[at + i] = values[i]! / 32768;
  },
};
/** Also of the filters by which SILK comes to 48 kHz. */
export const f32InJavaScript = inJavaScript({ given: float32, held: float64, dot: dotF32 });
const FLOAT_32: Processing<Float32Array<ArrayBuffer>> = {
  given: float32,
  machine: f32InJavaScript,
  mix: mixF32,
  round: (values, length, out, at) => {
    for (let i = 0; i < length; i++) out[at + i] = unitToInt16(values[i]!) / 32768;
  },
};
const FLOAT_64: Processing<Float64Array<ArrayBuffer>> = {
  given: float64,
  machine: inJavaScript({ given: float64, held: float64, dot: dotF64 }),
  mix: mixF64,
  round: (values, length, out, at) => {
    for (let i = 0; i < length; i++) out[at + i] = doubleToInt16(values[i]!) / 32768;
  },
};

/** The mixer in use, under its sample format. */
type Mixers = { [F in SampleFormat]?: Mixer<ChannelSamples[F]> };

const s16Mixer = (format: PcmFormat, filters: Filters): Mixer<ChannelSamples['s16']> =>
  createMixer(withFast(FIXED_16, filters.fast.s16), (samples) => samples, format, filters);
const f32Mixer = (format: PcmFormat, filters: Filters): Mixer<ChannelSamples['f32']> =>
  createMixer(withFast(FLOAT_32, filters.fast.f32), (samples) => samples, format, filters);
const f64Mixer = (format: PcmFormat, filters: Filters): Mixer<ChannelSamples['f64']> =>
  createMixer(FLOAT_64, (samples) => samples, format, filters);

/** With the faster machine where there is one for a filter. */
function withFast<S extends Samples>(processing: Processing<S>, fast: FastMaker<S> | undefined): Processing<S> {
  const machine: MachineMaker<S> = (filter, capacity) =>
    fast?.(filter, capacity) ?? processing.machine(filter, capacity);
  return { ...processing, machine };
}

function s32Mixer(format: PcmFormat, filters: Filters): Mixer<ChannelSamples['s32']> {
  if (format.sampleRate === SAMPLE_RATE && format.nChannels === 1) {
    return {
      push: ([samples], out) => {
        const values = samples!; // every format has a channel
        const at = out.add(values.length);
        for (let i = 0; i < values.length; i++) out.samples[at + i] = (values[i]! >> 16) / 32768;
      },
      end: () => {},
    };
  }
  const floats = Array.from({ length: format.nChannels }, () => new Float32Array(0));
  const toFloat = (samples: Int32Array, c: number): Float32Array<ArrayBuffer> => {
    if (samples.length > floats[c]!.length) floats[c] = new Float32Array(samples.length);
    const out = floats[c]!.subarray(0, samples.length);
    for (let i = 0; i < out.length; i++) out[i] = samples[i]! / 2 ** 31;
    return out;
  };
  return createMixer(withFast(FLOAT_32, filters.fast.f32), toFloat, format, filters);
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
function createMixer<Channel, S extends Samples>(
  { given, machine, mix: mixBy, round }: Processing<S>,
  convert: (channel: Channel, c: number) => S,
  format: PcmFormat,
  filters: Filters,
): Mixer<Channel> {
  const weights = downMixWeights(format);
  const mix = mixBy(weights);
  let mixed = given(0);
  const toMono = (channels: readonly S[], out: MonoBuffer): void => {
    const first = channels[0]!; // every format has a channel
    const { length } = first;
    const at = out.add(length);
    if (channels.length === 1) {
      round(first, length, out.samples, at);
      return;
    }
    if (length > mixed.length) mixed = given(length);
    mix(channels, mixed, length);
    round(mixed, length, out.samples, at);
  };
  if (format.sampleRate === SAMPLE_RATE)
    return { push: (channels, out) => toMono(channels.map(convert), out), end: () => {} };
  const filter = filters.of(format.sampleRate);
  const resamplers = weights.map(() => new ChannelResampler(filter, machine));
  return {
    push: (channels, out) => {
      toMono(
        resamplers.map((resampler, c) => resampler.push(convert(channels[c]!, c))),
        out,
      );
    },
    end: (out) => {
      toMono(
        resamplers.map((resampler) => resampler.end()),
        out,
      );
    },
  };
}
