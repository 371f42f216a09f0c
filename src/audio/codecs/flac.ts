/**
 * FLAC, by itself or in Ogg. Decoded here and not by a library: the best kept one on npm loses the last frame of some
 * files, and gives floats where the resampler must have the integers.
 *
 * File: "fLaC", metadata blocks, frames. Block: 1 bit last, 7 bits type (0: STREAMINFO, always first), 3 bytes length.
 * STREAMINFO, 34 bytes:
 *    0  2, 2  smallest and largest samples a frame    10  20 bits  sample rate
 *    4  3, 3  smallest and largest bytes a frame          3 bits   channels - 1
 *   18  16    MD5 of the samples                          5 bits   bits a sample - 1
 *                                                         36 bits  samples, 0 if unknown
 * In Ogg, the first packet has 9 bytes before "fLaC"; all packets together are such a file.
 *
 * @see RFC 9639
 */
import { concat, startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { id3Length } from '../containers/id3.ts';
import type { OggPages } from '../containers/ogg.ts';
import {
  type ChannelSamples,
  DEFAULT_CHANNEL_MASKS,
  type PcmPiece,
  type SampleFormat,
  SPEAKER,
  type UseSource,
} from '../pcm.ts';
import { type FlacFrame, type FlacStreamInfo, readFlacFrame } from './flacFrame.ts';

const MAGIC = 'fLaC';
const BLOCK_HEADER_BYTES = 4;
const STREAM_INFO_BYTES = 34;
const OGG_HEADER_BYTES = 9;
/** Frames handed on together, about 4096 samples each. */
const FRAMES_AT_ONCE = 16;

/** An ID3 tag before it is skipped. */
export function isFlac(bytes: Uint8Array): boolean {
  return startsWith(bytes, MAGIC, id3Length(bytes));
}

export function isOggFlac(pages: OggPages): boolean {
  return startsWith(pages.head, MAGIC, OGG_HEADER_BYTES);
}

/** The FLAC file that an Ogg file holds, for `readFlac`. */
export function unwrapOggFlac(pages: OggPages): Uint8Array {
  const [head = new Uint8Array(0), ...others] = [...pages].flatMap((page) => page.packets);
  return concat(Uint8Array, [head.subarray(OGG_HEADER_BYTES), ...others]);
}

/**
 * Reads the header and hands a source of the samples to `use`.
 *
 * @throws {AudioError} `truncated` if the file ends within its header, `malformed` if the header is not valid or not one
 *   frame can be read
 */
export function readFlac<R>(
  bytes: Uint8Array,
  use: UseSource<R>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): R {
  const firstBlock = id3Length(bytes) + MAGIC.length;
  const info = readStreamInfo(bytes, firstBlock);
  const { bits, nChannels, sampleRate } = info;
  const firstFrame = skipMetadata(bytes, firstBlock);
  // Up to 16 bits, and 17 to 32, left-justified in their type, as ffmpeg's decoder gives them.
  return bits <= 16
    ? source('s16', (length) => new Int16Array(length), 2 ** (16 - bits))
    : source('s32', (length) => new Int32Array(length), 2 ** (32 - bits));

  function source<F extends SampleFormat>(
    sampleFormat: F,
    allocate: (length: number) => ChannelSamples[F],
    unit: number,
  ): R {
    return use({
      format: { sampleFormat, sampleRate, nChannels, channelMask: channelMask(nChannels) },
      *pieces(): Generator<PcmPiece<F>> {
        for (const { frames, end } of frameGroups(bytes, firstFrame, info, onWarning)) {
          const length = frames.reduce((sum, { blockSize }) => sum + blockSize, 0);
          const channels = Array.from({ length: nChannels }, () => allocate(length));
          let at = 0;
          for (const frame of frames) {
            for (const [c, values] of frame.channels.entries()) {
              const channel = channels[c]!;
              for (let i = 0; i < values.length; i++) channel[at + i] = values[i]! * unit;
            }
            at += frame.blockSize;
          }
          yield { channels, done: end / bytes.length };
        }
      },
    });
  }
}

function* frameGroups(
  bytes: Uint8Array,
  start: number,
  info: FlacStreamInfo,
  onWarning: CallOptions['onWarning'],
): Generator<{ readonly frames: readonly FlacFrame[]; readonly end: number }> {
  let frames: FlacFrame[] = [];
  let nSamples = 0;
  let damagedAt = -1;
  for (let at = start; at < bytes.length; ) {
    const frame = readFlacFrame(bytes, at, info);
    if (!frame) {
      // Tags may follow the last frame: only bytes between frames are damage.
      if (damagedAt < 0 && nSamples < info.nSamples) damagedAt = at;
      at++;
      while (at < bytes.length && bytes[at] !== 0xff) at++;
      continue;
    }
    frames.push(frame);
    nSamples += frame.blockSize;
    at = frame.end;
    if (frames.length < FRAMES_AT_ONCE) continue;
    yield { frames, end: at };
    frames = [];
  }
  if (frames.length > 0) yield { frames, end: bytes.length };
  if (nSamples === 0 && (info.nSamples > 0 || start < bytes.length)) {
    throw new AudioError('malformed', 'The FLAC file has no frame that can be read.');
  }
  if (nSamples < info.nSamples || damagedAt >= 0) {
    const where = damagedAt >= 0 ? ` It is damaged at byte ${damagedAt}.` : '';
    const message = `The FLAC file should have ${info.nSamples} samples and has ${nSamples}.${where}`;
    onWarning?.({ code: damagedAt >= 0 ? 'audioDamaged' : 'audioTruncated', message });
  }
}

/** @param at where the metadata block begins */
function readStreamInfo(bytes: Uint8Array, at: number): FlacStreamInfo {
  const length = BLOCK_HEADER_BYTES + STREAM_INFO_BYTES;
  if (at + length > bytes.length) {
    throw new AudioError('truncated', `The FLAC file ends at byte ${bytes.length}, within its header.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
  const word = view.getUint32(BLOCK_HEADER_BYTES + 10);
  const info = {
    sampleRate: word >>> 12,
    nChannels: ((word >>> 9) & 7) + 1,
    bits: ((word >>> 4) & 31) + 1,
    nSamples: (word & 15) * 2 ** 32 + view.getUint32(BLOCK_HEADER_BYTES + 14),
  };
  if ((view.getUint8(0) & 0x7f) !== 0 || info.bits < 4) {
    throw new AudioError('malformed', 'The FLAC file does not begin with a valid STREAMINFO block.');
  }
  return info;
}

/** @returns where the first frame should be */
function skipMetadata(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = at;
  for (let isLast = false; !isLast && start + BLOCK_HEADER_BYTES <= bytes.length; ) {
    const header = view.getUint32(start);
    isLast = header >>> 31 === 1;
    start += BLOCK_HEADER_BYTES + (header & 0xffffff);
  }
  return start;
}

/** FLAC's own speakers where they are not ffmpeg's default for the count. */
function channelMask(nChannels: number): number {
  const { frontLeft, frontRight, frontCentre, backLeft, backRight } = SPEAKER;
  if (nChannels === 3) return frontLeft | frontRight | frontCentre;
  if (nChannels === 4) return frontLeft | frontRight | backLeft | backRight;
  return DEFAULT_CHANNEL_MASKS[nChannels] ?? 0;
}
