/**
 * FLAC, by itself or in Ogg. Read here, not by a library: of those on npm the best kept one loses the last frame of
 * some files, and gives floats where the resampler must have the integers.
 *
 * File: "fLaC", metadata blocks, frames. Block: 1 bit last, 7 bits type (0: STREAMINFO, always first), 3 bytes length.
 * STREAMINFO, 34 bytes:
 *    0  2, 2  least and most samples a frame      10  20 bits  sample rate
 *    4  3, 3  least and most bytes a frame            3 bits   channels - 1
 *   18  16    MD5 of the samples                      5 bits   bits a sample - 1
 *                                                     36 bits  samples, 0 if unknown
 * In Ogg, the first packet has 9 bytes before "fLaC"; all packets joined are such a file.
 *
 * @see RFC 9639
 */
import { concat, startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { id3Length } from '../containers/id3.ts';
import type { OggPages } from '../containers/ogg.ts';
import { defaultChannelMask, type Piece, type Planes, type SampleFormat, speaker, type UseSource } from '../pcm.ts';
import { type FlacFrame, type FlacStreamInfo, readFlacFrame } from './flacFrame.ts';

/** Frames handed on together, some 4096 samples each. */
const framesAtOnce = 16;
const oggHeaderBytes = 9;

/** Behind an ID3 tag, if there is one. */
export function isFlac(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'fLaC', id3Length(bytes));
}

export function isOggFlac(pages: OggPages): boolean {
  return startsWith(pages.head, 'fLaC', oggHeaderBytes);
}

/** The FLAC file that an Ogg file holds, for `readFlac`. */
export function unwrapOggFlac(pages: OggPages): Uint8Array {
  const [head = new Uint8Array(0), ...others] = [...pages].flatMap((page) => page.packets);
  return concat(Uint8Array, [head.subarray(oggHeaderBytes), ...others]);
}

/**
 * @throws {AudioError} `truncated` if the file ends within its header, `malformed` if the header cannot be or not one
 *   frame can be read
 */
export function readFlac<R>(
  bytes: Uint8Array,
  use: UseSource<R>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): R {
  const start = id3Length(bytes);
  const info = readStreamInfo(bytes, start + 8);
  const { bits, nChannels, sampleRate } = info;
  const firstFrame = skipMetadata(bytes, start + 4);
  // 16 bits and fewer, and 17 to 32, left-justified in their type, as ffmpeg's decoder gives them.
  return bits <= 16
    ? source('s16', (length) => new Int16Array(length), 2 ** (16 - bits))
    : source('s32', (length) => new Int32Array(length), 2 ** (32 - bits));

  function source<F extends SampleFormat>(sampleFormat: F, allocate: (length: number) => Planes[F], unit: number): R {
    return use({
      format: { sampleFormat, sampleRate, nChannels, channelMask: channelMask(nChannels) },
      *pieces(): Generator<Piece<F>> {
        for (const { frames, end } of frameGroups(bytes, firstFrame, info, onWarning)) {
          const length = frames.reduce((sum, frame) => sum + frame.channels[0]!.length, 0);
          const planes = Array.from({ length: nChannels }, () => allocate(length));
          let at = 0;
          for (const { channels } of frames) {
            for (const [channel, values] of channels.entries()) {
              const plane = planes[channel]!;
              for (let i = 0; i < values.length; i++) plane[at + i] = values[i]! * unit;
            }
            at += channels[0]!.length;
          }
          yield { planes, done: end / bytes.length };
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
    if (typeof frame === 'string') {
      // Behind the last frame there may be tags: only what stands between frames is damage.
      if (damagedAt < 0 && nSamples < info.nSamples) damagedAt = at;
      at++;
      while (at < bytes.length && bytes[at] !== 0xff) at++;
      continue;
    }
    frames.push(frame);
    nSamples += frame.channels[0]!.length;
    at = frame.end;
    if (frames.length < framesAtOnce) continue;
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

function readStreamInfo(bytes: Uint8Array, at: number): FlacStreamInfo {
  if (at + 34 > bytes.length) {
    throw new AudioError('truncated', `The FLAC file ends at byte ${bytes.length}, within its header.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 34);
  const word = view.getUint32(10);
  const info = {
    sampleRate: word >>> 12,
    nChannels: ((word >>> 9) & 7) + 1,
    bits: ((word >>> 4) & 31) + 1,
    nSamples: (word & 15) * 2 ** 32 + view.getUint32(14),
  };
  if ((bytes[at - 4]! & 0x7f) !== 0 || info.bits < 4) {
    throw new AudioError('malformed', 'The FLAC file does not begin with the description of its stream.');
  }
  return info;
}

/** @returns where the first frame should be */
function skipMetadata(bytes: Uint8Array, at: number): number {
  let start = at;
  for (let isLast = false; !isLast && start + 4 <= bytes.length; ) {
    isLast = (bytes[start]! & 0x80) !== 0;
    start += 4 + bytes[start + 1]! * 65536 + bytes[start + 2]! * 256 + bytes[start + 3]!;
  }
  return start;
}

/** FLAC's own speakers where they are not ffmpeg's default for the count. */
function channelMask(nChannels: number): number {
  const { frontLeft, frontRight, frontCentre, backLeft, backRight } = speaker;
  if (nChannels === 3) return frontLeft | frontRight | frontCentre;
  if (nChannels === 4) return frontLeft | frontRight | backLeft | backRight;
  return defaultChannelMask[nChannels] ?? 0;
}
