/**
 * Any speakers to one channel, as ffmpeg's libswresample mixes for a 16-bit result: the front pair at -3 dB each,
 * a centre beside it at 0 dB, what stands behind or beside at -6 dB, no low-frequency channel, and all scaled so that
 * the weights sum to at most 1. Stereo is (L + R) / 2.
 *
 * @see FFmpeg 5.1, libswresample/rematrix.c (facts only: levels, order, rounding)
 */
import { AudioError } from '../../base/errors.ts';
import { defaultChannelMask, type PcmFormat, speaker, speakersOf } from '../pcm.ts';
import { roundHalfEven } from './rounding.ts';

/** ffmpeg keeps its two mix levels in f32. */
const level = Math.fround(Math.SQRT1_2);

const levels: ReadonlyMap<number, number> = new Map([
  [speaker.frontLeft, Math.SQRT1_2],
  [speaker.frontRight, Math.SQRT1_2],
  [speaker.backLeft, level * Math.SQRT1_2],
  [speaker.backRight, level * Math.SQRT1_2],
  [speaker.frontLeftOfCentre, Math.SQRT1_2],
  [speaker.frontRightOfCentre, Math.SQRT1_2],
  [speaker.backCentre, level * Math.SQRT1_2],
  [speaker.sideLeft, level * Math.SQRT1_2],
  [speaker.sideRight, level * Math.SQRT1_2],
]);

const { frontLeft, frontRight, frontCentre, backLeft, backRight, sideLeft, sideRight } = speaker;
const pairs = [
  frontLeft | frontRight,
  sideLeft | sideRight,
  backLeft | backRight,
  speaker.frontLeftOfCentre | speaker.frontRightOfCentre,
];

/**
 * Weights of a format's channels, in their order; [1] for one channel.
 * @throws {AudioError} `channels` where there is no rule (ffmpeg refuses these too)
 */
export function downMixWeights(format: Pick<PcmFormat, 'nChannels' | 'channelMask'>): number[] {
  const { nChannels } = format;
  if (nChannels === 1) return [1];
  const given = speakersOf(format.channelMask);
  const mask = given.length === nChannels ? format.channelMask : (defaultChannelMask[nChannels] ?? 0);
  const hasFront = (mask & (frontLeft | frontRight | frontCentre)) !== 0;
  const lacksPartner = pairs.some((pair) => (mask & pair) !== 0 && (mask & pair) !== pair);
  if (!hasFront || lacksPartner) {
    throw new AudioError(
      'channels',
      `There is no rule to mix ${nChannels} channels (speakers 0x${mask.toString(16)}) to one.`,
      {
        hint: 'Mix the recording to one or two channels first.',
      },
    );
  }
  const centre = (mask & (frontLeft | frontRight)) !== 0 ? level * Math.SQRT2 : 1;
  const weights = speakersOf(mask).map((bit) => (bit === frontCentre ? centre : (levels.get(bit) ?? 0)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return sum > 1 ? weights.map((weight) => weight / sum) : weights;
}

/** Mixes `length` samples of `planes` into `out`. */
export type Mix<Samples> = (planes: readonly Samples[], out: Samples, length: number) => void;

/** In 16-bit fixed point: weights rounded to 1/32768, the sum rounded half up. */
export function mixS16(weights: readonly number[]): Mix<Int16Array> {
  const used = [...weights.keys()].filter((channel) => weights[channel] !== 0);
  // With one or two channels the rounding error of a weight is carried into the next one, with more it is not.
  let carried = 0;
  const fixed = used.map((channel) => {
    const target = weights[channel]! * 32768 + (used.length <= 2 ? carried : 0);
    const rounded = roundHalfEven(Math.fround(target));
    carried += target - rounded;
    return rounded;
  });
  return (planes, out, length) => {
    for (let i = 0; i < length; i++) {
      let sum = 16384;
      for (let j = 0; j < used.length; j++) sum += planes[used[j]!]![i]! * fixed[j]!;
      out[i] = sum >> 15;
    }
  };
}

/** In f32, every product and sum rounded, first channel first. */
export function mixF32(weights: readonly number[]): Mix<Float32Array> {
  const used = [...weights.keys()].filter((channel) => weights[channel] !== 0);
  const rounded = used.map((channel) => Math.fround(weights[channel]!));
  return (planes, out, length) => {
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let j = 0; j < used.length; j++) sum = Math.fround(sum + Math.fround(planes[used[j]!]![i]! * rounded[j]!));
      out[i] = sum;
    }
  };
}

export function mixF64(weights: readonly number[]): Mix<Float64Array> {
  return (planes, out, length) => {
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let j = 0; j < weights.length; j++) if (weights[j] !== 0) sum += planes[j]![i]! * weights[j]!;
      out[i] = sum;
    }
  };
}
