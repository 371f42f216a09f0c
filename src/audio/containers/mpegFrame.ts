/**
 * Frames of MPEG audio (MP3, also layers I and II), in the order and with the losses of ffmpeg: its parser takes every
 * valid header for a frame, and its decoder drops a frame that comes after bytes which are neither frame nor zeros.
 *
 * @see FFmpeg 5.1, libavcodec/mpegaudio_parser.c, mpegaudiodec_template.c (facts only: what is a frame, what is dropped)
 */
import type { ByteReader } from '../byteReader.ts';

/** What the header of a frame says. */
export interface MpegFrame {
  readonly version: 1 | 2 | 2.5;
  readonly layer: 1 | 2 | 3;
  /** Hz. */
  readonly sampleRate: number;
  /** Of the sample rate, 0 to 8: 44.1, 48 and 32 kHz, halves of them, quarters of them. */
  readonly rateIndex: number;
  readonly nChannels: 1 | 2;
  readonly isJointStereo: boolean;
  /** Two bits: layer III has intensity stereo by the lower, M/S by the upper one; in layers I and II intensity begins by them. */
  readonly modeExtension: number;
  /** Whether 16 bits of checksum follow the header. */
  readonly hasChecksum: boolean;
  /** Kilobits a second. */
  readonly bitRate: number;
  /** Of a channel. */
  readonly nSamples: number;
  /** With the header. */
  readonly nBytes: number;
}

export const MPEG_HEADER_BYTES = 4;
/** Longer than any frame, of which the longest are layer II at 8 kHz and 160 kb/s. */
const MAX_FRAME_BYTES = 1 << 12;
/** Bytes looked at together. */
const BYTES_AT_ONCE = 1 << 16;

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
/** Hz by index, MPEG-1; MPEG-2 has half and MPEG-2.5 a quarter of it. */
const SAMPLE_RATES = [44100, 48000, 32000];

/**
 * The four bytes of a frame's header: 11 bits sync, 2 version (0: 2.5, 2: 2, 3: 1), 2 layer (3: I, 2: II, 1: III),
 * 1 no checksum, 4 bit rate, 2 sample rate, 1 padding, 1 private, 2 mode (1: joint stereo, 3: mono), 2 its extension, 4 others.
 *
 * @returns undefined for what is no header, or is one of "free format", which ffmpeg does not read either
 */
export function mpegFrameAt(bytes: Uint8Array, at: number): MpegFrame | undefined {
  const kind = bytes[at + 1];
  const rates = bytes[at + 2];
  const modes = bytes[at + 3];
  if (modes === undefined || rates === undefined || kind === undefined) return undefined;
  if (bytes[at] !== 0xff || (kind & 0xe0) !== 0xe0) return undefined;
  const versionBits = (kind >> 3) & 3;
  const layer = 4 - ((kind >> 1) & 3);
  if (versionBits === 1 || (layer !== 1 && layer !== 2 && layer !== 3)) return undefined;
  const version = versionBits === 3 ? 1 : versionBits === 2 ? 2 : 2.5;
  const bitRate = (version === 1 ? BIT_RATES_1 : BIT_RATES_2)[layer - 1]?.[rates >> 4];
  const rate = (rates >> 2) & 3;
  const rate1 = SAMPLE_RATES[rate];
  if (!rate1 || !bitRate) return undefined;
  const halvings = version === 1 ? 0 : version === 2 ? 1 : 2;
  const sampleRate = rate1 >> halvings;
  const padding = (rates >> 1) & 1;
  const nSamples = layer === 1 ? 384 : layer === 3 && version !== 1 ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1;
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
    nSamples,
    nBytes: (Math.floor((nSamples * bitRate * 125) / sampleRate / slot) + padding) * slot,
  };
}

/** Whether two headers are of one kind: version, layer, sample rate, and the lower bits of the last byte. */
export function isSameKind(bytes: Uint8Array, at: number, other: number): boolean {
  return [0xff, 0xfe, 0x0c, 0xcf].every((mask, i) => ((bytes[at + i]! ^ bytes[other + i]!) & mask) === 0);
}

/** A frame and its bytes, which are filled up with zeros if the file ends within it. */
export interface MpegFrameBytes {
  readonly header: MpegFrame;
  readonly bytes: Uint8Array;
  /** Whether ffmpeg's decoder drops it, because of what comes before it. */
  readonly isDropped: boolean;
}

/** All frames from the reader's place on, as many at once as are there. The arrays are valid until the next is asked for. */
export async function* mpegFrames(reader: ByteReader): AsyncGenerator<MpegFrameBytes[], void, undefined> {
  let isJunk = false;
  for (;;) {
    const bytes = await reader.peek(MAX_FRAME_BYTES, BYTES_AT_ONCE);
    if (bytes.length === 0) return;
    const isEnd = bytes.length < MAX_FRAME_BYTES;
    const frames: MpegFrameBytes[] = [];
    let at = 0;
    // Up to where a frame must be whole unless the file ends.
    const end = isEnd ? bytes.length : bytes.length - MAX_FRAME_BYTES + 1;
    while (at < end) {
      const header = bytes[at] === 0xff ? mpegFrameAt(bytes, at) : undefined;
      if (!header) {
        isJunk ||= bytes[at] !== 0;
        at++;
        continue;
      }
      const frame = bytes.subarray(at, at + header.nBytes);
      frames.push({ header, bytes: filledUp(frame, header.nBytes), isDropped: isJunk });
      isJunk = false;
      at += frame.length;
    }
    if (frames.length > 0) yield frames;
    await reader.advance(at);
  }
}

function filledUp(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}
