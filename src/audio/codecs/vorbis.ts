/** Vorbis in Ogg, through libvorbis in WebAssembly (`@wasm-audio-decoders/ogg-vorbis`), loaded only when it is needed. */
import { startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import type { OggLink } from '../containers/ogg.ts';
import type { PcmPiece } from '../pcm.ts';
import { DecoderReport } from './decoderReport.ts';
import { vorbisChannels } from './vorbisChannels.ts';

const VORBIS_HEAD_BYTES = 16;

export function isVorbis(head: Uint8Array): boolean {
  return startsWith(head, '\x01vorbis');
}

/** @throws {AudioError} `malformed` if nothing of the stream can be decoded */
export async function* readVorbis(
  { head, pages }: OggLink,
  { onWarning }: Pick<CallOptions, 'onWarning'> = {},
): AsyncGenerator<PcmPiece, void, undefined> {
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
  const report = new DecoderReport('Vorbis');
  const piece = ({ samplesDecoded, channelData }: VorbisSamples): PcmPiece | undefined => {
    if (samplesDecoded === 0 || channelData.length !== nChannels) return undefined;
    const channels = order.map((c) => Float32Array.from(channelData[c]!));
    return { sampleFormat: 'f32', sampleRate, nChannels, channelMask, channels };
  };
  try {
    for await (const { bytes } of pages) {
      const decoded = piece(await report.run(() => decoder.decode(bytes)));
      if (decoded) yield decoded;
    }
    const rest = piece(await report.run(() => decoder.flush()));
    if (rest) yield rest;
    report.end(onWarning);
  } finally {
    decoder.free();
  }
}

interface VorbisSamples {
  readonly samplesDecoded: number;
  readonly channelData: readonly Float32Array[];
}
