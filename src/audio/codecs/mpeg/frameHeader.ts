/**
 * The header of a frame of MPEG audio: four bytes that say how the rest of the frame is coded.
 *
 * | bits | field |
 * |---|---|
 * | 11 | sync, all ones |
 * | 2 | version: 0 MPEG-2.5, 2 MPEG-2, 3 MPEG-1 |
 * | 2 | layer: 1 III, 2 II, 3 I |
 * | 1 | 0: a checksum of 16 bits follows the header |
 * | 4 | bit rate; 0: free format, 15: forbidden |
 * | 2 | sample rate; 3: forbidden |
 * | 1, 1 | padding, private |
 * | 2, 2 | mode: 0 stereo, 1 joint stereo, 2 two channels, 3 mono; extension of joint stereo |
 * | 4 | copyright, original, emphasis |
 *
 * @see ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3, 2.4.2.3
 */

export const HEADER_BYTES = 4;

export interface MpegHeader {
  readonly version: 1 | 2 | 2.5;
  readonly layer: 1 | 2 | 3;
  /** Hz. */
  readonly sampleRate: number;
  /** 0 to 8: 44.1, 48 and 32 kHz, half of them, a quarter of them. */
  readonly rateIndex: number;
  readonly nChannels: 1 | 2;
  readonly isJointStereo: boolean;
  /** Two bits: layer III has intensity stereo in the first, M/S in the second; layers I and II begin intensity by it. */
  readonly modeExtension: number;
  readonly hasChecksum: boolean;
  /** Kilobits a second; 0 in free format, which has one of its own. */
  readonly bitRate: number;
  /** Bytes that padding adds: 0, 1, or in layer I 4. */
  readonly paddingBytes: number;
  /** Header to end; 0 in free format, where the next header ends it. */
  readonly frameBytes: number;
  /** Samples of a channel: 384, 576 or 1152. */
  readonly nSamples: number;
}

/** Kilobits a second by layer (1 to 3) and index; MPEG-1, then MPEG-2 and 2.5. */
const BIT_RATES_1 = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
];
const BIT_RATES_2 = [
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/** Hz by index, MPEG-1. */
const SAMPLE_RATES = [44100, 48000, 32000];

/** The header at byte `at`, or undefined where none can be. */
export function mpegHeaderAt(bytes: Uint8Array, at: number): MpegHeader | undefined {
  const kind = bytes[at + 1]!;
  const rates = bytes[at + 2]!;
  const modes = bytes[at + 3];
  if (modes === undefined || bytes[at] !== 0xff || kind < 0xe0) return undefined;
  const versionBits = (kind >> 3) & 3;
  const layerBits = (kind >> 1) & 3;
  const rate = (rates >> 2) & 3;
  if (versionBits === 1 || layerBits === 0 || rates >> 4 === 15 || rate === 3) return undefined;
  const version = versionBits === 3 ? 1 : versionBits === 2 ? 2 : 2.5;
  const layer = layerBits === 3 ? 1 : layerBits === 2 ? 2 : 3;
  const halvings = version === 1 ? 0 : version === 2 ? 1 : 2;
  const sampleRate = SAMPLE_RATES[rate]! >> halvings;
  const bitRate = (version === 1 ? BIT_RATES_1 : BIT_RATES_2)[layer - 1]![rates >> 4]!;
  const nSamples = layer === 1 ? 384 : layer === 3 && version !== 1 ? 576 : 1152;
  const slotBytes = layer === 1 ? 4 : 1;
  const paddingBytes = ((rates >> 1) & 1) * slotBytes;
  const slots = Math.floor((nSamples * bitRate * 125) / (sampleRate * slotBytes));
  return {
    version,
    layer,
    sampleRate,
    rateIndex: rate + 3 * halvings,
    nChannels: modes >> 6 === 3 ? 1 : 2,
    isJointStereo: modes >> 6 === 1,
    modeExtension: (modes >> 4) & 3,
    hasChecksum: (kind & 1) === 0,
    bitRate,
    paddingBytes,
    frameBytes: bitRate === 0 ? 0 : slots * slotBytes + paddingBytes,
    nSamples,
  };
}

/** What stays the same from frame to frame of one free-format stream: version, layer and sample rate. */
const FREE_FORMAT_MASK = 0xfffffc00 & ~0x00010000;

/** A frame at the highest bit rate and the lowest sample rate has 2880 bytes; free format may have a little more. */
const MAX_FREE_FORMAT_BYTES = 4608;

/**
 * Bytes of the free-format frame at `at`: up to the next header of the same kind that is free format too, and that is
 * followed by a third one at the same distance (but for padding) or by the end of the bytes. Undefined if there is none.
 */
export function freeFormatBytes(bytes: Uint8Array, at: number): number | undefined {
  const first = mpegHeaderAt(bytes, at);
  if (first?.bitRate !== 0) return undefined;
  const follows = (from: number): MpegHeader | undefined => {
    if (((word(bytes, at) ^ word(bytes, from)) & FREE_FORMAT_MASK) !== 0) return undefined;
    const header = mpegHeaderAt(bytes, from);
    return header?.nChannels === first.nChannels ? header : undefined;
  };
  const end = Math.min(bytes.length, at + MAX_FREE_FORMAT_BYTES);
  for (let next = at + HEADER_BYTES + 1; next + HEADER_BYTES <= end; next++) {
    const second = bytes[next] === 0xff ? follows(next) : undefined;
    if (!second) continue;
    const third = 2 * next - at - first.paddingBytes + second.paddingBytes;
    if (third + HEADER_BYTES > bytes.length || follows(third)) return next - at;
  }
  return undefined;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
