/**
 * Ogg with Opus or Vorbis, through libopus and libvorbis in WebAssembly (`opus-decoder`, `@wasm-audio-decoders/ogg-vorbis`),
 * each loaded only when it is needed; SILK, the part of Opus for speech, is decoded here (see `opus/opusSilk.ts`). Starts
 * and ends are ffmpeg's: the pre-skip of Opus is cut off, and so is everything after the last page's granule position.
 */
import { startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import type { OggPage, OggPages } from '../containers/ogg.ts';
import { type Channel, joinChannels } from '../joinChannels.ts';
import { DEFAULT_CHANNEL_MASKS, type PcmPiece, SPEAKER, type UseSource } from '../pcm.ts';
import { DecoderReport } from './decoderReport.ts';

/** Bytes of Vorbis decoded at once. */
const BYTES_AT_ONCE = 1 << 16;
/** Hz. */
const OPUS_RATE = 48000;
const OPUS_HEAD_BYTES = 19;
const VORBIS_HEAD_BYTES = 16;

export function isOggOpus(pages: OggPages): boolean {
  return startsWith(pages.head, 'OpusHead');
}

export function isOggVorbis(pages: OggPages): boolean {
  return startsWith(pages.head, '\x01vorbis');
}

/**
 * OpusHead (RFC 7845): 8 magic, 1 version, 1 channels, 2 pre-skip, 4 original rate, 2 gain in 1/256 dB, 1 mapping
 * family; from family 1 on: 1 streams, 1 coupled streams, a byte for each channel.
 */
function readOpusHead(head: Uint8Array) {
  if (head.length < OPUS_HEAD_BYTES) {
    throw new AudioError('malformed', `The Opus header has ${head.length} bytes, not ${OPUS_HEAD_BYTES} or more.`);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const nChannels = view.getUint8(9);
  const family = view.getUint8(18);
  const isMapped = family !== 0;
  if (nChannels < 1 || nChannels > (isMapped ? 8 : 2) || (isMapped && head.length < 21 + nChannels)) {
    throw new AudioError('malformed', `The Opus header has ${nChannels} channels in mapping family ${family}.`);
  }
  if (family > 1) throw new AudioError('unsupported', `The Opus file has its channels in mapping family ${family}.`);
  return {
    nChannels,
    preSkip: view.getUint16(10, true),
    gain: 10 ** (view.getInt16(16, true) / (20 * 256)),
    options: isMapped
      ? {
          channels: nChannels,
          streamCount: view.getUint8(19),
          coupledStreamCount: view.getUint8(20),
          channelMappingTable: [...head.subarray(21, 21 + nChannels)],
        }
      : { channels: nChannels },
  };
}

/**
 * Hands a source of the samples to `use`: in files of one or two channels those of FFmpeg's own Opus decoder (see
 * `opus/opusSilk.ts`).
 *
 * @throws {AudioError} `malformed` if nothing of the file can be decoded, `unsupported` for ambisonic files
 */
export async function readOggOpus<R>(
  pages: OggPages,
  use: UseSource<Promise<R>>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): Promise<R> {
  const { nChannels, preSkip, gain, options } = readOpusHead(pages.head);
  const { OpusDecoder } = await import('opus-decoder');
  const { OpusSilk, silkNeeds } = await import('./opus/opusSilk.ts');
  const needs = 'streamCount' in options ? 'nothing' : silkNeeds(audioPackets(pages));
  const silk = needs === 'nothing' ? undefined : new OpusSilk(nChannels === 2 ? 2 : 1, needs === 'silkAndLow');
  const decoder = new OpusDecoder(options);
  const lowDecoder = needs === 'silkAndLow' ? new OpusDecoder({ ...options, sampleRate: 16000 }) : undefined;
  await Promise.all([decoder.ready, lowDecoder?.ready]);
  const { channelMask, order } = vorbisChannels(nChannels);
  const decode = async (packet: Uint8Array, report: DecoderReport): Promise<Channel[]> => {
    const { channelData } = await report.run(() => decoder.decodeFrame(packet));
    const full = order.map((c) => new Float32Array(channelData[c]!));
    const low = lowDecoder?.decodeFrame(packet).channelData.map((channel) => new Float32Array(channel));
    return silk ? silk.push(packet, { full, low }) : full;
  };
  try {
    return await use({
      format: { sampleFormat: 'f32', sampleRate: OPUS_RATE, nChannels, channelMask },
      async *pieces(): AsyncGenerator<PcmPiece<'f32'>> {
        const report = new DecoderReport('Opus');
        let skip = preSkip;
        let start: number | undefined;
        for (const { page, packets } of audioPages(pages)) {
          const nBefore = report.nSamples;
          const parts: Channel[][] = [];
          for (const packet of packets) parts.push(await decode(packet, report));
          if (silk && page.isLast) parts.push(silk.end());
          const decoded = joinChannels(parts);
          start ??= page.isLast ? 0 : page.granule - (report.nSamples - nBefore);
          const nDecoded = decoded[0]?.length ?? 0;
          const surplus = page.isLast ? Math.max(start + report.nSamples - page.granule, 0) : 0;
          const end = Math.max(nDecoded - surplus, 0);
          const from = Math.min(skip, end);
          skip -= from;
          const channels = decoded.map((channel) => {
            const part = channel.slice(from, end);
            return gain === 1 ? part : part.map((v) => v * gain);
          });
          if (end > from) yield { channels, done: page.end / pages.bytes.length };
        }
        const rest = silk?.end() ?? []; // there is some only if the last page is missing
        if (rest.length > 0) yield { channels: rest, done: 1 };
        report.end(onWarning);
      },
    });
  } finally {
    decoder.free();
    lowDecoder?.free();
  }
}

/** Pages with their packets, without the first two packets of the stream, which are headers. */
function* audioPages(pages: OggPages): Generator<{ readonly page: OggPage; readonly packets: readonly Uint8Array[] }> {
  let nHeaders = 2;
  for (const page of pages) {
    const packets = page.packets.slice(Math.min(nHeaders, page.packets.length));
    nHeaders -= page.packets.length - packets.length;
    if (packets.length > 0) yield { page, packets };
  }
}

function* audioPackets(pages: OggPages): Generator<Uint8Array> {
  for (const { packets } of audioPages(pages)) yield* packets;
}

/**
 * Hands a source of the samples to `use`.
 *
 * @throws {AudioError} `malformed` if nothing of the file can be decoded
 */
export async function readOggVorbis<R>(
  { bytes, head }: OggPages,
  use: UseSource<Promise<R>>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): Promise<R> {
  // Identification header: 7 magic, 4 version, 1 channels, 4 sample rate.
  if (head.length < VORBIS_HEAD_BYTES) throw new AudioError('malformed', 'The Vorbis file ends within its header.');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const nChannels = view.getUint8(11);
  const sampleRate = view.getUint32(12, true);
  if (nChannels === 0) throw new AudioError('malformed', 'The Vorbis header has no channel.');
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  const { channelMask, order } = vorbisChannels(nChannels);
  try {
    return await use({
      format: { sampleFormat: 'f32', sampleRate, nChannels, channelMask },
      async *pieces(): AsyncGenerator<PcmPiece<'f32'>> {
        const report = new DecoderReport('Vorbis');
        for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) {
          const part = bytes.subarray(at, at + BYTES_AT_ONCE);
          const isLast = at + BYTES_AT_ONCE >= bytes.length;
          for (const decode of [() => decoder.decode(part), ...(isLast ? [() => decoder.flush()] : [])]) {
            const { samplesDecoded, channelData } = await report.run(decode);
            if (samplesDecoded === 0 || channelData.length !== nChannels) continue;
            const channels = order.map((c) => Float32Array.from(channelData[c]!));
            yield { channels, done: (at + part.length) / bytes.length };
          }
        }
        report.end(onWarning);
      },
    });
  } finally {
    decoder.free();
  }
}

/** By number of channels: the index in Vorbis' order (also that of Opus) of each speaker of the mask, lowest bit first. */
const VORBIS_ORDERS: readonly (readonly number[])[] = [
  [],
  [0],
  [0, 1],
  [0, 2, 1],
  [0, 1, 2, 3],
  [0, 2, 1, 3, 4],
  [0, 2, 1, 5, 3, 4],
  [0, 2, 1, 6, 5, 3, 4],
  [0, 2, 1, 7, 5, 6, 3, 4],
];

function vorbisChannels(nChannels: number): { readonly channelMask: number; readonly order: readonly number[] } {
  const { frontLeft, frontRight, frontCentre, backLeft, backRight } = SPEAKER;
  const masks = new Map([
    [3, frontLeft | frontRight | frontCentre],
    [4, frontLeft | frontRight | backLeft | backRight],
  ]);
  const order = VORBIS_ORDERS[nChannels] ?? Array.from({ length: nChannels }, (_, c) => c);
  return { channelMask: masks.get(nChannels) ?? DEFAULT_CHANNEL_MASKS[nChannels] ?? 0, order };
}
