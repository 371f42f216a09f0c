/**
 * Ogg with Opus or Vorbis, through libopus and libvorbis in WebAssembly (`opus-decoder`,
 * `@wasm-audio-decoders/ogg-vorbis`), each loaded only when it is met; SILK, Opus' part for
 * speech, is decoded by ours (see `opusSilk.ts`). Starts and ends are ffmpeg's: Opus' pre-skip is cut off, and behind the
 * last page's granule position nothing is played.
 */
import { startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import type { OggPage, OggPages } from '../containers/ogg.ts';
import { joinPlanes, type Plane } from '../joinChannels.ts';
import { defaultChannelMask, type Piece, speaker, type UseSource } from '../pcm.ts';
import { DecoderReport } from './decoderReport.ts';

const bytesAtOnce = 1 << 16;
const opusRate = 48000;

export function isOggOpus(pages: OggPages): boolean {
  return startsWith(pages.head, 'OpusHead');
}

export function isOggVorbis(pages: OggPages): boolean {
  return startsWith(pages.head, '\x01vorbis');
}

/**
 * OpusHead (RFC 7845): 8 magic, 1 version, 1 channels, 2 pre-skip, 4 original rate, 2 gain in 1/256 dB, 1 mapping
 * family; from family 1 on: 1 streams, 1 coupled streams, a byte a channel.
 */
function readOpusHead(packet: Uint8Array) {
  if (packet.length < 19)
    throw new AudioError('malformed', `The Opus header has ${packet.length} bytes, not 19 or more.`);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const nChannels = packet[9]!;
  const family = packet[18]!;
  const isMapped = family !== 0;
  if (nChannels < 1 || nChannels > (isMapped ? 8 : 2) || (isMapped && packet.length < 21 + nChannels)) {
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
          streamCount: packet[19]!,
          coupledStreamCount: packet[20]!,
          channelMappingTable: [...packet.subarray(21, 21 + nChannels)],
        }
      : { channels: nChannels },
  };
}

/**
 * Samples as FFmpeg's own Opus decoder has them (see `opusSilk.ts`), in files of up to two channels.
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
  const needs = 'streamCount' in options ? 'nothing' : silkNeeds(opusPackets(pages));
  const silk = needs === 'nothing' ? undefined : new OpusSilk(nChannels === 2 ? 2 : 1, needs === 'silkAndLow');
  const decoder = new OpusDecoder(options);
  const lowDecoder = needs === 'silkAndLow' ? new OpusDecoder({ ...options, sampleRate: 16000 }) : undefined;
  await Promise.all([decoder.ready, lowDecoder?.ready]);
  const { channelMask, order } = vorbisChannels(nChannels);
  const decode = async (packet: Uint8Array, report: DecoderReport): Promise<Plane[]> => {
    const decoded = await report.run(() => decoder.decodeFrame(packet));
    const full = order.map((channel) => new Float32Array(decoded.channelData[channel]!));
    const low = lowDecoder?.decodeFrame(packet).channelData.map((plane) => new Float32Array(plane));
    return silk ? silk.push(packet, { full, low }) : full;
  };
  try {
    return await use({
      format: { sampleFormat: 'f32', sampleRate: opusRate, nChannels, channelMask },
      async *pieces(): AsyncGenerator<Piece<'f32'>> {
        const report = new DecoderReport('Opus');
        let skip = preSkip;
        let start: number | undefined;
        for (const { page, packets } of opusPages(pages)) {
          const nBefore = report.nSamples;
          const parts: Plane[][] = [];
          for (const packet of packets) parts.push(await decode(packet, report));
          if (silk && page.isLast) parts.push(silk.end());
          const decoded = joinPlanes(parts);
          start ??= page.isLast ? 0 : page.granule - (report.nSamples - nBefore);
          const nDecoded = decoded[0]?.length ?? 0;
          const surplus = page.isLast ? Math.max(start + report.nSamples - page.granule, 0) : 0;
          const end = Math.max(nDecoded - surplus, 0);
          const from = Math.min(skip, end);
          skip -= from;
          const planes = decoded.map((plane) => {
            const part = plane.slice(from, end);
            return gain === 1 ? part : part.map((v) => v * gain);
          });
          if (end > from) yield { planes, done: page.end / pages.bytes.length };
        }
        const rest = silk?.end() ?? []; // of a file that is cut off
        if (rest.length > 0) yield { planes: rest, done: 1 };
        report.end(onWarning);
      },
    });
  } finally {
    decoder.free();
    lowDecoder?.free();
  }
}

/** Pages with sound on them: all but the packets of the two headers. */
function* opusPages(pages: OggPages): Generator<{ readonly page: OggPage; readonly packets: readonly Uint8Array[] }> {
  let nHeaders = 2;
  for (const page of pages) {
    const packets = page.packets.slice(Math.min(nHeaders, page.packets.length));
    nHeaders -= page.packets.length - packets.length;
    if (packets.length > 0) yield { page, packets };
  }
}

function* opusPackets(pages: OggPages): Generator<Uint8Array> {
  for (const { packets } of opusPages(pages)) yield* packets;
}

/** @throws {AudioError} `malformed` if nothing of the file can be decoded */
export async function readOggVorbis<R>(
  pages: OggPages,
  use: UseSource<Promise<R>>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): Promise<R> {
  // Identification header: 7 magic, 4 version, 1 channels, 4 sample rate.
  const { bytes, head } = pages;
  if (head.length < 16) throw new AudioError('malformed', 'The Vorbis file ends within its header.');
  const nChannels = head[11]!;
  const sampleRate = new DataView(head.buffer, head.byteOffset).getUint32(12, true);
  if (nChannels === 0) throw new AudioError('malformed', 'The Vorbis header has no channel.');
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  const { channelMask, order } = vorbisChannels(nChannels);
  try {
    return await use({
      format: { sampleFormat: 'f32', sampleRate, nChannels, channelMask },
      async *pieces(): AsyncGenerator<Piece<'f32'>> {
        const report = new DecoderReport('Vorbis');
        for (let at = 0; at < bytes.length; at += bytesAtOnce) {
          const chunk = bytes.subarray(at, at + bytesAtOnce);
          const isLast = at + bytesAtOnce >= bytes.length;
          for (const decode of [() => decoder.decode(chunk), ...(isLast ? [() => decoder.flush()] : [])]) {
            const decoded = await report.run(decode);
            if (decoded.samplesDecoded === 0 || decoded.channelData.length !== nChannels) continue;
            const planes = order.map((channel) => Float32Array.from(decoded.channelData[channel]!));
            yield { planes, done: (at + chunk.length) / bytes.length };
          }
        }
        report.end(onWarning);
      },
    });
  } finally {
    decoder.free();
  }
}

/** Vorbis' order of channels (Opus has it too) put into that of the mask's bits. */
function vorbisChannels(nChannels: number): { readonly channelMask: number; readonly order: readonly number[] } {
  const { frontLeft, frontRight, frontCentre, backLeft, backRight } = speaker;
  const three = frontLeft | frontRight | frontCentre;
  const orders: readonly (readonly number[])[] = [
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
  const masks = new Map([
    [3, three],
    [4, frontLeft | frontRight | backLeft | backRight],
  ]);
  const order = orders[nChannels] ?? Array.from({ length: nChannels }, (_, i) => i);
  return { channelMask: masks.get(nChannels) ?? defaultChannelMask[nChannels] ?? 0, order };
}
