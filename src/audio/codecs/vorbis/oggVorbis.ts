/**
 * Vorbis in Ogg. What is behind the last page's granule position is cut off as ffmpeg does it: by the lengths that its
 * parser finds in the packets of that page, which knows the headers of the first stream only, where several were joined.
 *
 * @see FFmpeg 5.1, libavformat/oggparsevorbis.c, libavcodec/vorbis_parser.c (facts only: what is cut off)
 */
import type { CallOptions } from '../../../base/progress.ts';
import type { OggLink, OggPage } from '../../containers/ogg.ts';
import { type Channel, joinChannels } from '../../joinChannels.ts';
import type { PcmPiece } from '../../pcm.ts';
import { DecoderReport } from '../decoderReport.ts';
import { vorbisChannels } from '../vorbisChannels.ts';
import { PacketLengths } from './packetLengths.ts';
import { VorbisDecoder } from './vorbisDecoder.ts';
import type { VorbisIdentification } from './vorbisSetup.ts';

/** Samples of all channels after which those of a page are handed on, all but the last block, which may have to be cut. */
const SAMPLES_AT_ONCE = 1 << 18;

export class OggVorbis {
  readonly #decoder = new VorbisDecoder();
  /** By the headers of the first stream. */
  #lengths: PacketLengths | undefined;
  readonly #report = new DecoderReport('Vorbis');

  /** @throws {AudioError} `malformed` for headers that are not valid */
  async *read({ pages, isContinued }: OggLink): AsyncGenerator<PcmPiece, void, undefined> {
    if (!isContinued) this.#lengths?.restart();
    for await (const page of pages) yield* this.#decodePage(page);
  }

  /** Reports damage. @throws {AudioError} `malformed` if there was no sample */
  end(onWarning: CallOptions['onWarning']): void {
    this.#report.end(onWarning);
  }

  *#decodePage(page: OggPage): Generator<PcmPiece> {
    let decoded: Channel[][] = [];
    let nAtOnce = 0;
    for (const packet of page.packets) {
      const before = this.#decoder.identification;
      const samples = this.#decoder.decode(packet);
      const now = this.#decoder.identification;
      if (samples) {
        if (before && before !== now) yield* this.#piece(decoded.splice(0), before);
        if (now && nAtOnce > SAMPLES_AT_ONCE) {
          yield* this.#piece(decoded.splice(0), now);
          nAtOnce = 0;
        }
        decoded.push(samples);
        nAtOnce += samples.length * (samples[0]?.length ?? 0);
      } else if (packet.length > 0) {
        this.#report.damage('a packet that is not valid');
      }
    }
    const { identification, setup } = this.#decoder;
    if (!identification || !setup) return;
    this.#lengths ??= new PacketLengths(identification, setup);
    const surplus = this.#lengths.surplus(page);
    const last = decoded.at(-1) ?? [];
    const lastLength = last[0]?.length ?? 0;
    if (surplus > 0 && surplus <= lastLength) {
      decoded = [...decoded.slice(0, -1), last.map((channel) => channel.slice(0, lastLength - surplus))];
    }
    yield* this.#piece(decoded, identification);
  }

  *#piece(decoded: readonly Channel[][], { nChannels, sampleRate }: VorbisIdentification): Generator<PcmPiece> {
    const joined = joinChannels(decoded);
    const nSamples = joined[0]?.length ?? 0;
    this.#report.count(nSamples);
    if (nSamples === 0) return;
    const { channelMask, order } = vorbisChannels(nChannels);
    yield { sampleFormat: 'f32', sampleRate, nChannels, channelMask, channels: order.map((c) => joined[c]!) };
  }
}
