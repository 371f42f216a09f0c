import { DEFAULT_CHANNEL_MASKS, SPEAKER } from '../pcm.ts';

/** By number of channels: the index in Vorbis' order (also that of Opus) of each speaker of the mask, lowest bit first. */
const VORBIS_ORDERS: readonly (readonly number[])[] = [
  [],
  [0],
  [0, 1],
  [0, 2, 1],
  [0, 1, 2, 3],
  [0, 2, 1, 3, 4],
  [0, 2, 1, 5, 3, 4],
  [0, 2, 1, 6, 5, 3, 4],
  [0, 2, 1, 7, 5, 6, 3, 4],
];

/**
 * The speakers of Vorbis and Opus, by their number.
 * @see Vorbis I specification, section 4.3.9
 */
export function vorbisChannels(nChannels: number): {
  readonly channelMask: number;
  readonly order: readonly number[];
} {
  const { frontLeft, frontRight, frontCentre, backLeft, backRight } = SPEAKER;
  const masks = new Map([
    [3, frontLeft | frontRight | frontCentre],
    [4, frontLeft | frontRight | backLeft | backRight],
  ]);
  const order = VORBIS_ORDERS[nChannels] ?? Array.from({ length: nChannels }, (_, c) => c);
  return { channelMask: masks.get(nChannels) ?? DEFAULT_CHANNEL_MASKS[nChannels] ?? 0, order };
}
