/**
 * Ogg with Opus or Vorbis, through libopus and libvorbis in WebAssembly (`opus-decoder`,
 * `@wasm-audio-decoders/ogg-vorbis`), each loaded only when it is met. Starts and ends are ffmpeg's: Opus' pre-skip is
 * cut off, and behind the last page's granule position nothing is played.
 */
import { AudioError } from '../errors.js';
import type { CallOptions } from '../progress.js';
import { DecoderReport } from './decoderReport.js';
import { oggPages } from './ogg.js';
import { defaultChannelMask, type Piece, speaker, type UseSource } from './pcm.js';

const bytesAtOnce = 1 << 16;
const opusRate = 48000;

export type OggCodec = 'opus' | 'vorbis' | 'other';

/** What the first packet says the stream is. */
export function oggCodec(bytes: Uint8Array): OggCodec {
  const [page] = oggPages(bytes);
  const packet = page?.packets[0];
  if (packet && startsWith(packet, 'OpusHead')) return 'opus';
  if (packet && startsWith(packet, '\x01vorbis')) return 'vorbis';
  return 'other';
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

/** @throws {AudioError} `malformed` if nothing of the file can be decoded, `unsupported` for ambisonic files */
export async function readOggOpus<R>(
  bytes: Uint8Array,
  use: UseSource<Promise<R>>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): Promise<R> {
  const [first] = oggPages(bytes);
  const { nChannels, preSkip, gain, options } = readOpusHead(first?.packets[0] ?? new Uint8Array(0));
  const { OpusDecoder } = await import('opus-decoder');
  const decoder = new OpusDecoder(options);
  await decoder.ready;
  const { channelMask, order } = vorbisChannels(nChannels);
  try {
    return await use({
      format: { sampleFormat: 'f32', sampleRate: opusRate, nChannels, channelMask },
      async *pieces(): AsyncGenerator<Piece<'f32'>> {
        const report = new DecoderReport('Opus');
        let nHeaders = 2;
        let skip = preSkip;
        let start: number | undefined;
        for (const page of oggPages(bytes)) {
          const packets = page.packets.slice(Math.min(nHeaders, page.packets.length));
          nHeaders -= page.packets.length - packets.length;
          if (packets.length === 0) continue;
          const decoded = await report.run(() => decoder.decodeFrames(packets));
          start ??= page.isLast ? 0 : page.granule - decoded.samplesDecoded;
          const surplus = page.isLast ? Math.max(start + report.nSamples - page.granule, 0) : 0;
          const end = Math.max(decoded.samplesDecoded - surplus, 0);
          const from = Math.min(skip, end);
          skip -= from;
          const planes = order.map((channel) => {
            const plane = Float32Array.from(decoded.channelData[channel]!.subarray(from, end));
            return gain === 1 ? plane : plane.map((v) => v * gain);
          });
          if (end > from) yield { planes, done: page.end / bytes.length };
        }
        report.end(onWarning);
      },
    });
  } finally {
    decoder.free();
  }
}

/** @throws {AudioError} `malformed` if nothing of the file can be decoded */
export async function readOggVorbis<R>(
  bytes: Uint8Array,
  use: UseSource<Promise<R>>,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): Promise<R> {
  // Identification header: 7 magic, 4 version, 1 channels, 4 sample rate.
  const [first] = oggPages(bytes);
  const packet = first?.packets[0];
  if (!packet || packet.length < 16) throw new AudioError('malformed', 'The Vorbis file ends within its header.');
  const nChannels = packet[11]!;
  const sampleRate = new DataView(packet.buffer, packet.byteOffset).getUint32(12, true);
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

function startsWith(bytes: Uint8Array, magic: string): boolean {
  return [...magic].every((character, i) => bytes[i] === character.charCodeAt(0));
}
