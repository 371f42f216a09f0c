/**
 * MPEG audio (MP3, also layers I and II) through mpg123 in WebAssembly (`mpg123-decoder`), loaded only here. Encoder delay
 * and padding are cut off where a LAME header states them, as in ffmpeg; without one nothing is.
 */
import type { CallOptions } from '../../base/progress.ts';
import type { ByteReader } from '../byteReader.ts';
import type { PcmPiece } from '../pcm.ts';
import { DecoderReport } from './decoderReport.ts';

/** Bytes decoded at once. */
const BYTES_AT_ONCE = 1 << 16;
/** The first frame must begin within this many bytes. */
export const SEARCHED_BYTES = 1 << 16;

export interface MpegFrame {
  /** Hz. */
  readonly sampleRate: number;
  readonly nChannels: number;
  readonly frameBytes: number;
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
/** Hz by index, MPEG-1; MPEG-2 has half and MPEG-2.5 a quarter of it. */
const SAMPLE_RATES = [44100, 48000, 32000];

/**
 * The four bytes of a frame's header: 11 bits sync, 2 version (0: 2.5, 2: 2, 3: 1), 2 layer (3: I, 2: II, 1: III),
 * 1 no checksum, 4 bit rate, 2 sample rate, 1 padding, 1 private, 2 mode (3: mono), 6 others.
 */
function frameAt(bytes: Uint8Array, at: number): MpegFrame | undefined {
  const [sync, kind = 0, rates = 0, mode] = bytes.subarray(at, at + 4);
  if (mode === undefined || sync !== 0xff || (kind & 0xe0) !== 0xe0) return undefined;
  const version = (kind >> 3) & 3;
  const layer = 4 - ((kind >> 1) & 3);
  const bitRate = (version === 3 ? BIT_RATES_1 : BIT_RATES_2)[layer - 1]?.[rates >> 4];
  const rate1 = SAMPLE_RATES[(rates >> 2) & 3];
  if (version === 1 || layer === 4 || !rate1 || !bitRate) return undefined;
  const sampleRate = rate1 / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const padding = (rates >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1;
  const frameBytes = (Math.floor((samples * bitRate * 125) / sampleRate / slot) + padding) * slot;
  return { sampleRate, nChannels: mode >> 6 === 3 ? 1 : 2, frameBytes };
}

/**
 * The first frame that is followed by another one of the same kind or by the end of the file.
 * @param bytes the first of the file, behind an ID3 tag
 * @param isAll whether they are the whole rest of the file
 */
export function findMpegFrame(bytes: Uint8Array, isAll: boolean): MpegFrame | undefined {
  for (let at = 0; at < Math.min(SEARCHED_BYTES, bytes.length); at++) {
    if (bytes[at] !== 0xff) continue;
    const frame = frameAt(bytes, at);
    if (!frame) continue;
    if (isAll && at + frame.frameBytes === bytes.length) return frame;
    const next = frameAt(bytes, at + frame.frameBytes);
    if (next?.sampleRate === frame.sampleRate) return frame;
  }
  return undefined;
}

/**
 * @param frame what `findMpegFrame` found
 * @throws {AudioError} `malformed` if nothing of the file can be decoded
 */
export async function* readMp3(
  reader: ByteReader,
  { sampleRate, nChannels }: MpegFrame,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): AsyncGenerator<PcmPiece, void, undefined> {
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    const report = new DecoderReport('MP3');
    for (;;) {
      const bytes = await reader.peek(1, BYTES_AT_ONCE);
      if (bytes.length === 0) break;
      const decoded = await report.run(() => decoder.decode(bytes));
      await reader.skip(bytes.length);
      // A mono file comes as two equal channels.
      const channels = decoded.channelData.slice(0, nChannels).map((channel) => Float32Array.from(channel));
      if (decoded.samplesDecoded > 0) yield { sampleFormat: 'f32', sampleRate, nChannels, channelMask: 0, channels };
    }
    report.end(onWarning);
  } finally {
    decoder.free();
  }
}
