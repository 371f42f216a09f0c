/**
 * MPEG audio (MP3, also layers I and II) through mpg123 in WebAssembly (`mpg123-decoder`), loaded only here. The
 * encoder's delay and padding that a LAME header tells of are cut off, as ffmpeg does; without one nothing is.
 */
import type { CallOptions } from '../../base/progress.ts';
import { id3Length } from '../containers/id3.ts';
import type { Piece, UseSource } from '../pcm.ts';
import { DecoderReport } from './decoderReport.ts';

const bytesAtOnce = 1 << 16;
/** How far the first frame is looked for, behind an ID3 tag. */
const searchedBytes = 1 << 16;

export interface MpegFrame {
  readonly sampleRate: number;
  readonly nChannels: number;
  readonly frameBytes: number;
}

/** Kilobits a second by layer (1 to 3) and index; MPEG-1, then MPEG-2 and 2.5. */
const bitRates1 = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
];
const bitRates2 = [
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/**
 * The four bytes of a frame's header: 11 bits sync, 2 version (0: 2.5, 2: 2, 3: 1), 2 layer (3: I, 2: II, 1: III),
 * 1 no checksum, 4 bit rate, 2 sample rate, 1 padding, 1 private, 2 mode (3: mono).
 */
function frameAt(bytes: Uint8Array, at: number): MpegFrame | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xe0) !== 0xe0) return undefined;
  const version = (bytes[at + 1]! >> 3) & 3;
  const layer = 4 - ((bytes[at + 1]! >> 1) & 3);
  const rateIndex = (bytes[at + 2]! >> 2) & 3;
  const bitRate = (version === 3 ? bitRates1 : bitRates2)[layer - 1]?.[bytes[at + 2]! >> 4];
  if (version === 1 || layer === 4 || rateIndex === 3 || !bitRate) return undefined;
  const sampleRate = [44100, 48000, 32000][rateIndex]! / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const padding = (bytes[at + 2]! >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1;
  const frameBytes = (Math.floor((samples * bitRate * 125) / sampleRate / slot) + padding) * slot;
  return { sampleRate, nChannels: bytes[at + 3]! >> 6 === 3 ? 1 : 2, frameBytes };
}

/** The first frame that another one of the same kind, or the end of the file, follows. */
export function findMpegFrame(bytes: Uint8Array): MpegFrame | undefined {
  const start = id3Length(bytes);
  for (let at = start; at < Math.min(start + searchedBytes, bytes.length); at++) {
    const frame = frameAt(bytes, at);
    if (!frame) continue;
    if (at + frame.frameBytes === bytes.length) return frame;
    const next = frameAt(bytes, at + frame.frameBytes);
    if (next?.sampleRate === frame.sampleRate) return frame;
  }
  return undefined;
}

/**
 * @param frame what `findMpegFrame` found
 * @throws {AudioError} `malformed` if nothing of the file can be decoded
 */
export async function readMp3<R>(
  bytes: Uint8Array,
  { sampleRate, nChannels }: MpegFrame,
  use: UseSource<Promise<R>>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): Promise<R> {
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    return await use({
      format: { sampleFormat: 'f32', sampleRate, nChannels, channelMask: 0 },
      async *pieces(): AsyncGenerator<Piece<'f32'>> {
        const report = new DecoderReport('MP3');
        for (let at = 0; at < bytes.length; at += bytesAtOnce) {
          const chunk = bytes.subarray(at, at + bytesAtOnce);
          const decoded = await report.run(() => decoder.decode(chunk));
          // A mono file comes as two equal channels.
          const planes = decoded.channelData.slice(0, nChannels).map((plane) => Float32Array.from(plane));
          if (decoded.samplesDecoded > 0) yield { planes, done: (at + chunk.length) / bytes.length };
        }
        report.end(onWarning);
      },
    });
  } finally {
    decoder.free();
  }
}
