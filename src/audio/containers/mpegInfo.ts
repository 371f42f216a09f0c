/**
 * The frame without sound that many MP3 files begin with: it says how many frames follow, and how many samples of them the
 * encoder has put before and after the sound.
 *
 * "Xing" or "Info" stands where the side information of MPEG-1 or 2, stereo or mono ends:
 *    0  4  flags: 1 frames, 2 bytes, 4 index, 8 quality; each of them, where its flag is set, follows
 *    -  4  frames    -  4  bytes    -  100  index    -  4  quality
 *    -  9  encoder ("LAME3.100", "Lavf", "Lavc")
 *    - 12  (not used)
 *    -  3  12 bits samples before the sound, 12 bits after it
 * "VBRI" stands 32 bytes after the header: 2 version, 2 delay, 2 quality, 4 bytes, 4 frames.
 *
 * @see FFmpeg 5.1, libavformat/mp3dec.c (facts only: what is cut off)
 */
import { startsWith } from '../../base/bytes.ts';
import { MPEG_HEADER_BYTES, type MpegFrame } from './mpegFrame.ts';

/** Samples that every decoder is late. */
const DECODER_DELAY = 529;
const ENCODER_BYTES = 9;
const UNUSED_BYTES = 12;

export interface MpegInfo {
  /** Samples to drop at the start. */
  readonly skip: number;
  /** Of the samples, with those that are dropped at the start, the first and the one after the last to drop at the end. */
  readonly end: { readonly from: number; readonly to: number } | undefined;
}

/**
 * @param bytes   a whole frame
 * @param nFollow bytes of the file from here on, if that is known: where there are many more than the frame says, another
 *   recording has been joined to this one, and the number of frames is not believed
 * @returns undefined if it is a frame with sound
 */
export function readMpegInfo(bytes: Uint8Array, header: MpegFrame, nFollow: number | undefined): MpegInfo | undefined {
  if (header.layer !== 3) return undefined;
  return readXing(bytes, header, nFollow) ?? readVbri(bytes);
}

function readXing(
  bytes: Uint8Array,
  { nChannels, nSamples }: MpegFrame,
  nFollow: number | undefined,
): MpegInfo | undefined {
  const isMpeg1 = nSamples === 1152;
  const sideBytes = isMpeg1 ? (nChannels === 1 ? 17 : 32) : nChannels === 1 ? 9 : 17;
  const tag = MPEG_HEADER_BYTES + sideBytes;
  if (!startsWith(bytes, 'Xing', tag) && !startsWith(bytes, 'Info', tag)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (tag + 8 > bytes.length) return undefined;
  const flags = view.getUint32(tag + 4);
  let at = tag + 8;
  const next = (size: number): number => {
    at += size;
    return at - size;
  };
  const framesAt = (flags & 1) !== 0 ? next(4) : undefined;
  const bytesAt = (flags & 2) !== 0 ? next(4) : undefined;
  if ((flags & 4) !== 0) next(100);
  if ((flags & 8) !== 0) next(4);
  const read = (offset: number | undefined): number =>
    offset === undefined || offset + 4 > bytes.length ? 0 : view.getUint32(offset);
  const nBytes = read(bytesAt);
  if (read(framesAt) === 0 && nBytes === 0) return undefined;
  const isJoined = nFollow !== undefined && nBytes > 0 && nFollow - nBytes > nBytes >> 4;
  const nFrames = isJoined ? 0 : read(framesAt);
  const encoder = next(ENCODER_BYTES + UNUSED_BYTES);
  if (at + 3 > bytes.length || !['LAME', 'Lavf', 'Lavc'].some((name) => startsWith(bytes, name, encoder))) {
    return { skip: 0, end: undefined };
  }
  const pads = view.getUint16(at) * 256 + view.getUint8(at + 2);
  const [before, after] = [pads >> 12, pads & 4095];
  const to = nFrames * nSamples;
  return { skip: before + DECODER_DELAY, end: nFrames > 0 ? { from: to - after + DECODER_DELAY, to } : undefined };
}

function readVbri(bytes: Uint8Array): MpegInfo | undefined {
  const tag = MPEG_HEADER_BYTES + 32;
  if (!startsWith(bytes, 'VBRI', tag) || tag + 18 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFilled = view.getUint32(tag + 10) !== 0 || view.getUint32(tag + 14) !== 0;
  return isFilled && view.getUint16(tag + 4) === 1 ? { skip: 0, end: undefined } : undefined;
}
