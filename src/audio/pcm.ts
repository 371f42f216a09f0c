/**
 * Decoded samples before they are mixed and resampled. The sample format is kept as ffmpeg's decoders give it, because
 * ffmpeg resamples sources of 16 bits in fixed point and all others in floating point (see `resample/resample.ts`).
 */

export type SampleFormat = 's16' | 's32' | 'f32' | 'f64';

/** Samples of one channel, by format: s32 holds 24 bits left-justified; f32 and f64 are in [-1, 1]. */
export interface ChannelSamples {
  readonly s16: Int16Array<ArrayBuffer>;
  readonly s32: Int32Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
}

export interface PcmFormat<F extends SampleFormat = SampleFormat> {
  readonly sampleFormat: F;
  /** Hz. */
  readonly sampleRate: number;
  readonly nChannels: number;
  /** Which speakers the channels are for, one bit each, channels in ascending order of the bits; 0 if unknown. */
  readonly channelMask: number;
}

/** Some consecutive samples of all channels. */
export interface PcmPieceOf<F extends SampleFormat> extends PcmFormat<F> {
  /** All of the same length; shape [nChannels][nSamples]. */
  readonly channels: readonly ChannelSamples[F][];
}

/** A piece of a recording, whose format may change from one piece to the next. */
export type PcmPiece = { [F in SampleFormat]: PcmPieceOf<F> }[SampleFormat];

/** Bits of a channel mask, as in WAVE_FORMAT_EXTENSIBLE. */
export const SPEAKER = {
  frontLeft: 0x1,
  frontRight: 0x2,
  frontCentre: 0x4,
  lowFrequency: 0x8,
  backLeft: 0x10,
  backRight: 0x20,
  frontLeftOfCentre: 0x40,
  frontRightOfCentre: 0x80,
  backCentre: 0x100,
  sideLeft: 0x200,
  sideRight: 0x400,
} as const;

const { frontLeftOfCentre, frontRightOfCentre } = SPEAKER;
const { frontLeft, frontRight, frontCentre, lowFrequency, backLeft, backRight, backCentre, sideLeft, sideRight } =
  SPEAKER;
const FRONT = frontLeft | frontRight;

/**
 * The speakers ffmpeg assumes for channels that come without a mask, by their number. Of 16 and 24 channels the ones after
 * these are for speakers above and below, which its mixer leaves out.
 * @see FFmpeg, libavutil/channel_layout.c, av_channel_layout_default
 */
export const DEFAULT_CHANNEL_MASKS: Readonly<Record<number, number>> = {
  1: frontCentre,
  2: FRONT,
  3: FRONT | lowFrequency,
  4: FRONT | frontCentre | backCentre,
  5: FRONT | frontCentre | backLeft | backRight,
  6: FRONT | frontCentre | lowFrequency | backLeft | backRight,
  7: FRONT | frontCentre | lowFrequency | backCentre | sideLeft | sideRight,
  8: FRONT | frontCentre | lowFrequency | backLeft | backRight | sideLeft | sideRight,
  16: FRONT | frontCentre | backLeft | backRight | backCentre | sideLeft | sideRight,
  24: FRONT | frontCentre | lowFrequency | backLeft | backRight | frontLeftOfCentre | frontRightOfCentre | backCentre,
};

/** Bits that are set in `mask`, lowest first. */
export function speakersOf(mask: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0).filter((bit) => (mask & bit) !== 0);
}

export function isSameFormat(a: PcmFormat, b: PcmFormat): boolean {
  return (
    a.sampleFormat === b.sampleFormat &&
    a.sampleRate === b.sampleRate &&
    a.nChannels === b.nChannels &&
    a.channelMask === b.channelMask
  );
}
