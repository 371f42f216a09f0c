/**
 * Opus in Ogg, through libopus in WebAssembly (`opus-decoder`), loaded only when it is needed; SILK, the part of Opus for
 * speech, is decoded here (see `opusSilk.ts`). Starts and ends are ffmpeg's: the pre-skip is cut off, and so is everything
 * after the last page's granule position.
 */
import type { OpusDecoder } from 'opus-decoder';
import { startsWith } from '../../../base/bytes.ts';
import { AudioError } from '../../../base/errors.ts';
import type { CallOptions } from '../../../base/progress.ts';
import type { OggLink, OggPage } from '../../containers/ogg.ts';
import { type Channel, joinChannels } from '../../joinChannels.ts';
import type { PcmPiece } from '../../pcm.ts';
import { DecoderReport } from '../decoderReport.ts';
import { vorbisChannels } from '../vorbisChannels.ts';
import { hasSilk, OpusSilk } from './opusSilk.ts';

/** Hz. */
const OPUS_RATE = 48000;
const OPUS_HEAD_BYTES = 19;

export function isOpus(head: Uint8Array): boolean {
  return startsWith(head, 'OpusHead');
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
 * The samples of a stream, in files of one or two channels those of FFmpeg's own Opus decoder (see `opusSilk.ts`).
 *
 * @throws {AudioError} `malformed` if nothing of the stream can be decoded, `unsupported` for ambisonic files
 */
export async function* readOpus(
  { head, pages }: OggLink,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): AsyncGenerator<PcmPiece, void, undefined> {
  const { nChannels, preSkip, gain, options } = readOpusHead(head);
  const { OpusDecoder: Decoder } = await import('opus-decoder');
  const decoder = new Decoder(options);
  await decoder.ready;
  const lowOptions = { ...options, sampleRate: 16000 } as const;
  let silk: OpusSilk | undefined;
  let lowDecoder: OpusDecoder<16000> | undefined;
  const { channelMask, order } = vorbisChannels(nChannels);
  const format = { sampleFormat: 'f32', sampleRate: OPUS_RATE, nChannels, channelMask } as const;
  const report = new DecoderReport('Opus');
  const decode = async (packet: Uint8Array): Promise<Channel[]> => {
    const { channelData } = await report.run(() => decoder.decodeFrame(packet));
    const full = order.map((c) => new Float32Array(channelData[c]!));
    if (!silk && hasSilk(packet) && !('streamCount' in options)) {
      silk = new OpusSilk(nChannels === 2 ? 2 : 1);
      lowDecoder = new Decoder(lowOptions);
      await lowDecoder.ready;
    }
    const low = lowDecoder?.decodeFrame(packet).channelData.map((channel) => new Float32Array(channel));
    return silk ? silk.push(packet, { full, low }) : full;
  };
  try {
    let skip = preSkip;
    let start: number | undefined;
    for await (const { page, packets } of audioPages(pages)) {
      const nBefore = report.nSamples;
      const parts: Channel[][] = [];
      for (const packet of packets) parts.push(await decode(packet));
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
      if (end > from) yield { ...format, channels };
    }
    const rest = silk?.end() ?? []; // there is some only if the last page is missing
    if (rest.length > 0) yield { ...format, channels: rest };
    report.end(onWarning);
  } finally {
    decoder.free();
    lowDecoder?.free();
  }
}

/** Pages with their packets, without the first two packets of the stream, which are headers. */
async function* audioPages(
  pages: AsyncIterable<OggPage>,
): AsyncGenerator<{ readonly page: OggPage; readonly packets: readonly Uint8Array[] }, void, undefined> {
  let nHeaders = 2;
  for await (const page of pages) {
    const packets = page.packets.slice(Math.min(nHeaders, page.packets.length));
    nHeaders -= page.packets.length - packets.length;
    if (packets.length > 0) yield { page, packets };
  }
}
