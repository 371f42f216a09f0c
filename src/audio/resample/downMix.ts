/**
 * Any speakers to one channel, as ffmpeg's libswresample mixes for a 16-bit result: each of the front pair at -3 dB, a
 * centre beside it at 0 dB, speakers at the back and the sides at -6 dB, no low-frequency channel, and all of it scaled
 * so that the weights sum to at most 1. Stereo is (L + R) / 2.
 *
 * @see FFmpeg 5.1, libswresample/rematrix.c (facts only: levels, order, rounding)
 */
import { AudioError } from '../../base/errors.ts';
import { DEFAULT_CHANNEL_MASKS, type PcmFormat, SPEAKER, speakersOf } from '../pcm.ts';
import { roundHalfEven } from './rounding.ts';

/** ffmpeg keeps its two mix levels in f32. */
const MIX_LEVEL = Math.fround(Math.SQRT1_2);

const SPEAKER_LEVELS: ReadonlyMap<number, number> = new Map([
  [SPEAKER.frontLeft, Math.SQRT1_2],
  [SPEAKER.frontRight, Math.SQRT1_2],
  [SPEAKER.backLeft, MIX_LEVEL * Math.SQRT1_2],
  [SPEAKER.backRight, MIX_LEVEL * Math.SQRT1_2],
  [SPEAKER.frontLeftOfCentre, Math.SQRT1_2],
  [SPEAKER.frontRightOfCentre, Math.SQRT1_2],
  [SPEAKER.backCentre, MIX_LEVEL * Math.SQRT1_2],
  [SPEAKER.sideLeft, MIX_LEVEL * Math.SQRT1_2],
  [SPEAKER.sideRight, MIX_LEVEL * Math.SQRT1_2],
]);

const FRONT_PAIR = SPEAKER.frontLeft | SPEAKER.frontRight;
/** A stereo mix made of more channels: taken for the front pair. */
const STEREO_DOWN_MIX = 0x60000000;
const PAIRS = [
  FRONT_PAIR,
  SPEAKER.sideLeft | SPEAKER.sideRight,
  SPEAKER.backLeft | SPEAKER.backRight,
  SPEAKER.frontLeftOfCentre | SPEAKER.frontRightOfCentre,
];

/**
 * Weights of a format's channels, in their order; [1] for one channel.
 * @throws {AudioError} `channels` where there is no rule (ffmpeg refuses these too)
 */
export function downMixWeights(format: Pick<PcmFormat, 'nChannels' | 'channelMask'>): number[] {
  const { nChannels } = format;
  if (nChannels === 1) return [1];
  const given = format.channelMask === STEREO_DOWN_MIX ? FRONT_PAIR : format.channelMask;
  const mask = speakersOf(given).length === nChannels ? given : (DEFAULT_CHANNEL_MASKS[nChannels] ?? 0);
  const hasFront = (mask & (FRONT_PAIR | SPEAKER.frontCentre)) !== 0;
  const lacksPartner = PAIRS.some((pair) => (mask & pair) !== 0 && (mask & pair) !== pair);
  if (!hasFront || lacksPartner) {
    const speakers = `0x${mask.toString(16)}`;
    throw new AudioError('channels', `There is no rule to mix ${nChannels} channels (speakers ${speakers}) to one.`, {
      hint: 'Mix the recording to one or two channels first.',
    });
  }
  const centre = (mask & FRONT_PAIR) !== 0 ? MIX_LEVEL * Math.SQRT2 : 1;
  const speakers = speakersOf(mask);
  const weights = Array.from({ length: nChannels }, (_, channel) => {
    const bit = speakers[channel] ?? 0;
    return bit === SPEAKER.frontCentre ? centre : (SPEAKER_LEVELS.get(bit) ?? 0);
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return sum > 1 ? weights.map((weight) => weight / sum) : weights;
}

/** Mixes `length` samples of all channels into `out`. */
export type Mix<Samples> = (channels: readonly Samples[], out: Samples, length: number) => void;

/** In 16-bit fixed point: weights rounded to 1/32768, the sum rounded half up. */
export function mixS16(weights: readonly number[]): Mix<Int16Array> {
  const { used, usedWeights } = withoutZeros(weights);
  // With one or two channels the rounding error of a weight is carried into the next one, with more it is not.
  let carried = 0;
  const fixed = usedWeights.map((weight) => {
    const target = weight * 32768 + (used.length <= 2 ? carried : 0);
    const rounded = roundHalfEven(Math.fround(target));
    carried += target - rounded;
    return rounded;
  });
  return (channels, out, length) => {
    for (let i = 0; i < length; i++) {
      let sum = 16384;
      for (let j = 0; j < used.length; j++) sum += channels[used[j]!]![i]! * fixed[j]!;
      out[i] = sum >> 15;
    }
  };
}

/** In f32, every product and sum rounded, first channel first. */
export function mixF32(weights: readonly number[]): Mix<Float32Array> {
  const { used, usedWeights } = withoutZeros(weights);
  const rounded = usedWeights.map(Math.fround);
  return (channels, out, length) => {
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let j = 0; j < used.length; j++) sum = Math.fround(sum + Math.fround(channels[used[j]!]![i]! * rounded[j]!));
      out[i] = sum;
    }
  };
}

export function mixF64(weights: readonly number[]): Mix<Float64Array> {
  const { used, usedWeights } = withoutZeros(weights);
  return (channels, out, length) => {
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let j = 0; j < used.length; j++) sum += channels[used[j]!]![i]! * usedWeights[j]!;
      out[i] = sum;
    }
  };
}

/** Channels that count, and their weights. */
function withoutZeros(weights: readonly number[]): { readonly used: number[]; readonly usedWeights: number[] } {
  const used = [...weights.keys()].filter((channel) => weights[channel] !== 0);
  return { used, usedWeights: weights.filter((weight) => weight !== 0) };
}
