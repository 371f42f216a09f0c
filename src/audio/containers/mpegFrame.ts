/**
 * Frames of MPEG audio (MP3, also layers I and II), in the order and with the losses of ffmpeg: its parser takes every
 * valid header for a frame, and its decoder drops a frame that comes after bytes which are neither frame nor zeros.
 *
 * @see FFmpeg 5.1, libavcodec/mpegaudio_parser.c, mpegaudiodec_template.c (facts only: what is a frame, what is dropped)
 */
import type { ByteReader } from '../byteReader.ts';

/** What the header of a frame says. */
export interface MpegFrame {
  readonly layer: 1 | 2 | 3;
  /** Hz. */
  readonly sampleRate: number;
  readonly nChannels: 1 | 2;
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
 * 1 no checksum, 4 bit rate, 2 sample rate, 1 padding, 1 private, 2 mode (3: mono), 6 others.
 *
 * @returns undefined for what is no header, or is one of "free format", which ffmpeg does not read either
 */
export function mpegFrameAt(bytes: Uint8Array, at: number): MpegFrame | undefined {
  const kind = bytes[at + 1];
  const rates = bytes[at + 2];
  const mode = bytes[at + 3];
  if (mode === undefined || rates === undefined || kind === undefined) return undefined;
  if (bytes[at] !== 0xff || (kind & 0xe0) !== 0xe0) return undefined;
  const version = (kind >> 3) & 3;
  const layer = 4 - ((kind >> 1) & 3);
  if (version === 1 || (layer !== 1 && layer !== 2 && layer !== 3)) return undefined;
  const bitRate = (version === 3 ? BIT_RATES_1 : BIT_RATES_2)[layer - 1]?.[rates >> 4];
  const rate1 = SAMPLE_RATES[(rates >> 2) & 3];
  if (!rate1 || !bitRate) return undefined;
  const sampleRate = rate1 / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const padding = (rates >> 1) & 1;
  const nSamples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1;
  const nBytes = (Math.floor((nSamples * bitRate * 125) / sampleRate / slot) + padding) * slot;
  return { layer, sampleRate, nChannels: mode >> 6 === 3 ? 1 : 2, nSamples, nBytes };
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
    await reader.skip(at);
  }
}

function filledUp(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}
