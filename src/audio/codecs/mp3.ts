/**
 * MPEG audio (MP3, also layers I and II). Sample rate, channels and layer may change from frame to frame. Encoder delay and
 * padding are cut off where a LAME header states them, as in ffmpeg; without one nothing is.
 */
import type { CallOptions } from '../../base/progress.ts';
import type { ByteReader } from '../byteReader.ts';
import { id3Length } from '../containers/id3.ts';
import { isSameKind, MPEG_HEADER_BYTES, mpegFrameAt, mpegFrames } from '../containers/mpegFrame.ts';
import { type MpegInfo, readMpegInfo } from '../containers/mpegInfo.ts';
import type { PcmPiece } from '../pcm.ts';
import { DecoderReport } from './decoderReport.ts';
import { FrameJoiner } from './frameJoiner.ts';

/** The first frame is looked for within this many bytes. */
const SEARCHED_BYTES = 1 << 16;
/** Frames that must follow one another at the very start, so that it is certain what they are. */
const MIN_FRAMES = 7;
/** Frames that must follow one another behind other bytes, and be more than those. */
const MIN_FRAMES_LATER = 4;

/**
 * Whether a recording that is nothing else is MPEG audio, judged by frames that follow one another.
 *
 * @param bytes the first of them, behind an ID3 tag
 * @param isAll whether they are the whole recording
 */
export function isMpegAudio(bytes: Uint8Array, isAll: boolean): boolean {
  let start = 0;
  while (bytes[start] === 0) start++;
  start += id3Length(bytes.subarray(start));
  let most = 0;
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    let count = 0;
    let end = at;
    for (;;) {
      const frame = mpegFrameAt(bytes, end);
      if (!frame) break;
      count++;
      end += frame.nBytes;
    }
    if (at === start && (count >= MIN_FRAMES || (isAll && count > 0 && end >= bytes.length))) return true;
    if (count >= MIN_FRAMES_LATER) most = Math.max(most, end - at);
    // What begins within these frames is no longer than they are.
    if (count > 1) at = end - 1;
  }
  return 2 * most > bytes.length;
}

/** @throws {AudioError} `malformed` if nothing of the file can be decoded */
export async function* readMp3(
  reader: ByteReader,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): AsyncGenerator<PcmPiece, void, undefined> {
  const trimmer = new Trimmer(await skipInfo(reader));
  await skipJunk(reader);
  // A page loads it when there is something for it.
  const { MpegAudioDecoder } = await import('./mpeg/mpegAudioDecoder.ts');
  const decoder = new MpegAudioDecoder();
  const report = new DecoderReport('MP3');
  /** ffmpeg chooses its decoder by the first frame; the one for layers I and II gives 16 bits. */
  let is16: boolean | undefined;
  let seconds = 0;
  let rate = 0;
  const joiner = new FrameJoiner();
  for await (const frames of mpegFrames(reader)) {
    for (const { header, bytes, isDropped } of frames) {
      const { nSamples, nChannels, sampleRate } = header;
      is16 ??= header.layer !== 3;
      const channels = isDropped ? undefined : is16 ? decoder.decode16(bytes) : decoder.decode(bytes);
      const { from, to } = trimmer.next(nSamples, !channels);
      if (channels) {
        report.count(nSamples);
        // ffmpeg's decoder says a new rate one frame late, so its resampler takes that frame at the old rate.
        const sampleFormat = is16 ? 's16' : 'f32';
        const format = { sampleFormat, sampleRate: rate === 0 ? sampleRate : rate, nChannels, channelMask: 0 } as const;
        rate = sampleRate;
        yield* joiner.before(format);
        const isCut = from > 0 || to < nSamples;
        joiner.add(format, isCut ? channels.map((channel) => channel.subarray(from, to)) : channels);
      } else if (!isDropped) {
        report.damage(`the side information of the frame at ${seconds.toFixed(1)} s`);
      }
      seconds += nSamples / sampleRate;
    }
    yield* joiner.take();
  }
  report.end(onWarning);
}

/** Which samples are kept, frame by frame. */
class Trimmer {
  readonly #end: MpegInfo['end'];
  #toSkip: number;
  /** Samples of all frames so far, dropped ones too. */
  #position = 0;

  constructor(info: MpegInfo | undefined) {
    this.#toSkip = info?.skip ?? 0;
    this.#end = info?.end;
  }

  next(nSamples: number, isDropped: boolean): { readonly from: number; readonly to: number } {
    const start = this.#position;
    const end = start + nSamples;
    this.#position = end;
    let to = nSamples;
    if (this.#end && end >= this.#end.from && start < this.#end.to) to = Math.max(this.#end.from - start, 0);
    if (isDropped) return { from: 0, to: 0 };
    const from = Math.min(this.#toSkip, nSamples);
    this.#toSkip -= from;
    return { from, to: Math.max(Math.min(to, nSamples), from) };
  }
}

/** Goes past the frame without sound that may be the first one. */
async function skipInfo(reader: ByteReader): Promise<MpegInfo | undefined> {
  const header = mpegFrameAt(await reader.peek(MPEG_HEADER_BYTES), 0);
  if (!header) return undefined;
  const info = readMpegInfo(await reader.peek(header.nBytes), header, reader.size && reader.size - reader.position);
  if (info) await reader.advance(header.nBytes);
  return info;
}

/** Goes to the first frame that another one of its kind follows, if it is near. */
async function skipJunk(reader: ByteReader): Promise<void> {
  const bytes = await reader.peek(2 * SEARCHED_BYTES);
  for (let at = 0; at < Math.min(SEARCHED_BYTES, bytes.length); at++) {
    const frame = bytes[at] === 0xff ? mpegFrameAt(bytes, at) : undefined;
    const next = frame && at + frame.nBytes;
    if (next === undefined || !mpegFrameAt(bytes, next) || !isSameKind(bytes, at, next)) continue;
    await reader.advance(at);
    return;
  }
}
