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
import { startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import type { ByteReader } from '../byteReader.ts';
import { DEFAULT_CHANNEL_MASKS, type PcmPiece, SPEAKER } from '../pcm.ts';
import { VainWork } from '../vainWork.ts';
import { type FlacFrame, type FlacMemory, type FlacStreamInfo, readFlacFrame } from './flacFrame.ts';
import { FrameJoiner } from './frameJoiner.ts';

const MAGIC = 'fLaC';
const BLOCK_HEADER_BYTES = 4;
const STREAM_INFO_BYTES = 34;
const OGG_HEADER_BYTES = 9;
/** Samples of all channels handed on together, or those of one frame. */
const SAMPLES_AT_ONCE = 1 << 17;
/** Bytes looked at together, more if a frame is longer. */
const BYTES_AT_ONCE = 1 << 17;
/** Bytes waited for when those at hand end within a frame. */
const MORE_BYTES = 1 << 13;
/** More than 65535 samples of eight channels and 33 bits. */
const MAX_FRAME_BYTES = 1 << 22;

/** @param head the first packet of an Ogg stream */
export function isOggFlac(head: Uint8Array): boolean {
  return startsWith(head, MAGIC, OGG_HEADER_BYTES);
}

/** @param head the first packet of an Ogg stream */
export function oggFlacChannels(head: Uint8Array): number {
  return (((head[OGG_HEADER_BYTES + MAGIC.length + BLOCK_HEADER_BYTES + 12] ?? 0) >> 1) & 7) + 1;
}

/** The FLAC file that a stream of Ogg packets is, for `readFlac`. */
export async function* unwrapOggFlac(packets: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let start = OGG_HEADER_BYTES;
  for await (const packet of packets) {
    yield packet.subarray(start);
    start = 0;
  }
}

/**
 * @param reader   at "fLaC"
 * @param vainWork of the file that it is a part of
 * @throws {AudioError} `truncated` if the file ends within its header, `malformed` if the header is not valid or not one
 *   frame can be read
 */
export async function* readFlac(
  reader: ByteReader,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
  vainWork = new VainWork(reader),
): AsyncGenerator<PcmPiece, void, undefined> {
  await reader.advance(MAGIC.length);
  const info = await readMetadata(reader);
  const firstFrame = reader.position;
  let nSamples = 0;
  const damage: FlacDamage = { at: undefined, otherBits: undefined };
  // Up to 16 bits, and 17 to 32, left-justified in their type, as ffmpeg's decoder gives them.
  const sampleFormat = info.bits <= 16 ? 's16' : 's32';
  const unit = 2 ** ((sampleFormat === 's16' ? 16 : 32) - info.bits);
  const joiner = new FrameJoiner();
  for await (const frame of frames(reader, info, damage, vainWork)) {
    if (!frame) {
      yield* joiner.take();
      continue;
    }
    const { sampleRate, channels } = frame;
    const nChannels = channels.length;
    const format = { sampleFormat, sampleRate, nChannels, channelMask: channelMask(nChannels) } as const;
    yield* joiner.before(format);
    if (unit !== 1)
      for (const values of channels) for (let i = 0; i < values.length; i++) values[i] = values[i]! * unit;
    joiner.add(format, channels);
    nSamples += frame.blockSize;
  }
  if (nSamples === 0 && (info.nSamples > 0 || reader.position > firstFrame)) {
    throw new AudioError('malformed', 'The FLAC file has no frame that can be read.');
  }
  if (damage.otherBits !== undefined && nSamples > 0) {
    const message = `The FLAC file has ${info.bits} bits a sample; later frames of ${damage.otherBits} bits are left out.`;
    onWarning?.({ code: 'audioDamaged', message });
    return;
  }
  // Tags may follow the last frame: only bytes between frames are damage.
  const isDamaged = damage.at !== undefined && damage.at.nSamples < info.nSamples;
  if (nSamples < info.nSamples || isDamaged) {
    const where = isDamaged ? ` It is damaged at byte ${damage.at?.byte}.` : '';
    const message = `The FLAC file should have ${info.nSamples} samples and has ${nSamples}.${where}`;
    onWarning?.({ code: isDamaged ? 'audioDamaged' : 'audioTruncated', message });
  }
}

/** The first bytes that are no frame, and how many samples came before them. */
interface FlacDamage {
  at: { readonly byte: number; readonly nSamples: number } | undefined;
  /** Bits a sample of the first frame that has others than the stream. */
  otherBits: number | undefined;
}

/**
 * Frames in order, each valid until the next is asked for, and undefined where the frames so far are to be handed on. What is
 * no frame is skipped, as long as that is no more work than the bytes are worth.
 */
async function* frames(
  reader: ByteReader,
  info: FlacStreamInfo,
  damage: FlacDamage,
  vainWork: VainWork,
): AsyncGenerator<FlacFrame | undefined, void, undefined> {
  const memory: FlacMemory = [];
  let nSamples = 0;
  let isGivenUp = false;
  for (let least = 1; ; ) {
    const bytes = await reader.peek(least, Math.max(least, BYTES_AT_ONCE));
    if (bytes.length === 0) return;
    const isEnd = bytes.length < least;
    least = 1;
    let at = 0;
    let nAtOnce = 0;
    while (at < bytes.length && nAtOnce < SAMPLES_AT_ONCE) {
      const frame = readFlacFrame(bytes, at, info, memory);
      if ('blockSize' in frame) {
        nSamples += frame.blockSize;
        nAtOnce += frame.blockSize * frame.channels.length;
        at = frame.end;
        yield frame;
        continue;
      }
      const isWorthMore = vainWork.add(frame.work);
      const rest = bytes.length - at;
      if (frame.isCut && !isEnd && rest < MAX_FRAME_BYTES) {
        least = rest + Math.max(rest >> 1, MORE_BYTES);
        break;
      }
      damage.at ??= { byte: reader.position + at, nSamples };
      damage.otherBits ??= frame.otherBits;
      isGivenUp = !isWorthMore;
      if (isGivenUp) break;
      at++;
      while (at < bytes.length && bytes[at] !== 0xff) at++;
    }
    await reader.advance(at);
    yield undefined;
    if (isGivenUp) return;
  }
}

/** Leaves the reader where the first frame should be. */
async function readMetadata(reader: ByteReader): Promise<FlacStreamInfo> {
  const length = BLOCK_HEADER_BYTES + STREAM_INFO_BYTES;
  const block = await reader.peek(length);
  if (block.length < length) {
    throw new AudioError(
      'truncated',
      `The FLAC file ends at byte ${reader.position + block.length}, within its header.`,
    );
  }
  const view = new DataView(block.buffer, block.byteOffset, length);
  const word = view.getUint32(BLOCK_HEADER_BYTES + 10);
  const info = {
    sampleRate: word >>> 12,
    maxBlockSize: view.getUint16(BLOCK_HEADER_BYTES + 2),
    bits: ((word >>> 4) & 31) + 1,
    nSamples: (word & 15) * 2 ** 32 + view.getUint32(BLOCK_HEADER_BYTES + 14),
  };
  if ((view.getUint8(0) & 0x7f) !== 0 || info.bits < 4) {
    throw new AudioError('malformed', 'The FLAC file does not begin with a valid STREAMINFO block.');
  }
  for (let isLast = false; !isLast; ) {
    const [flags, ...size] = await reader.peek(BLOCK_HEADER_BYTES);
    if (flags === undefined || size.length < BLOCK_HEADER_BYTES - 1) break;
    isLast = flags >= 0x80;
    await reader.advance(BLOCK_HEADER_BYTES + size.reduce((sum, byte) => sum * 256 + byte, 0));
  }
  return info;
}

/** FLAC's own speakers where they are not ffmpeg's default for the count. */
function channelMask(nChannels: number): number {
  const { frontLeft, frontRight, frontCentre, backLeft, backRight } = SPEAKER;
  if (nChannels === 3) return frontLeft | frontRight | frontCentre;
  if (nChannels === 4) return frontLeft | frontRight | backLeft | backRight;
  return DEFAULT_CHANNEL_MASKS[nChannels] ?? 0;
}
