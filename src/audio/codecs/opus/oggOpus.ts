/**
 * Opus in Ogg, through libopus; SILK, the part of Opus for speech, is decoded here (see `opusSilk.ts`). Starts and ends are
 * ffmpeg's: the pre-skip is cut off, and so is everything after the last page's granule position. Streams that were joined
 * are decoded as one, by the header of the first, as ffmpeg does it: only what is cut off is their own.
 *
 * @see FFmpeg 5.1, libavformat/oggparseopus.c (facts only: what is cut off)
 */
import type { CallOptions } from '../../../base/progress.ts';
import type { OggLink, OggPage } from '../../containers/ogg.ts';
import type { Channel } from '../../joinChannels.ts';
import type { PcmPiece } from '../../pcm.ts';
import { DecoderReport } from '../decoderReport.ts';
import { PlanarBuffer } from '../planarBuffer.ts';
import { vorbisChannels } from '../vorbisChannels.ts';
import { Libopus } from './libopus.ts';
import { type OpusHead, preSkipOf, readOpusHead } from './opusHead.ts';
import { type OpusPacket, parseOpusPacket } from './opusPacket.ts';
import { OpusSilk } from './opusSilk.ts';
import { prepareSilk } from './silkMachine.ts';

/** Hz. */
const OPUS_RATE = 48000;
/** Packets after which libopus's SILK is what it would be had it decoded all before them: a second or so. */
const N_REPLAYED = 50;
/** Packets of a stream before its sound. */
const N_HEADERS = 2;

export class OggOpus {
  readonly #head: OpusHead;
  readonly #full: Libopus;
  /** At 16 kHz, from the first packet with SILK on. */
  #low: Libopus | undefined;
  #silk: OpusSilk | undefined;
  readonly #report = new DecoderReport('Opus');
  readonly #speakers: ReturnType<typeof vorbisChannels>;
  #toSkip = 0;
  /** The last packets of SILK alone, which libopus is given only when its output is needed again. */
  readonly #passedOver: Uint8Array[] = [];
  /** The page that is decoded. */
  readonly #out = new PlanarBuffer<'f32'>((length) => new Float32Array(length));

  /** @throws {AudioError} `malformed`; `unsupported` for ambisonic files and for more than 8 channels */
  constructor(head: Uint8Array) {
    this.#head = readOpusHead(head);
    this.#full = new Libopus(this.#head.options);
    this.#speakers = vorbisChannels(this.#head.nChannels);
  }

  /** The samples of one stream, in files of one or two channels those of FFmpeg's own Opus decoder. */
  async *read({ head, pages, isContinued }: OggLink): AsyncGenerator<PcmPiece, void, undefined> {
    await prepareSilk();
    // ffmpeg does not notice that a stream with the number of the one before is another one.
    if (!isContinued) this.#toSkip = preSkipOf(head);
    let nHeaders = N_HEADERS;
    let granuleBefore = 0;
    for await (const page of pages) {
      const packets = page.packets.slice(Math.min(nHeaders, page.packets.length));
      nHeaders -= page.packets.length - packets.length;
      const piece = packets.length > 0 ? await this.#decodePage(page, packets, granuleBefore) : undefined;
      if (page.granule >= 0) granuleBefore = page.granule;
      if (piece) yield piece;
    }
  }

  /** The rest, after the last stream; reports damage. @throws {AudioError} `malformed` if there was no sample */
  *end(onWarning: CallOptions['onWarning']): Generator<PcmPiece> {
    this.#out.clear(this.#head.nChannels);
    this.#silk?.end(this.#out);
    if (this.#out.length > 0) yield this.#piece(0, this.#out.length); // only if the last page is missing
    this.#report.end(onWarning);
  }

  close(): void {
    this.#full.close();
    this.#low?.close();
  }

  async #decodePage(
    page: OggPage,
    packets: readonly Uint8Array[],
    granuleBefore: number,
  ): Promise<PcmPiece | undefined> {
    const out = this.#out;
    out.clear(this.#head.nChannels);
    let nStated = granuleBefore;
    for (const bytes of packets) {
      const packet = parseOpusPacket(bytes);
      if (packet) nStated += 48 * packet.frameMs * packet.frames.length;
      if (!packet) this.#report.damage('a packet that is not valid');
      // Most packets of speech need no libopus, and so no promise.
      else if (!this.#decodeSilk(bytes, packet)) await this.#decode(bytes, packet);
    }
    if (page.isLast) this.#silk?.end(out);
    const surplus = page.isLast ? Math.max(nStated - page.granule, 0) : 0;
    const end = Math.max(out.length - surplus, 0);
    const from = Math.min(this.#toSkip, end);
    this.#toSkip -= from;
    return end > from ? this.#piece(from, end) : undefined;
  }

  /** Appends the samples of a packet to the page's, if libopus has no part in them. */
  #decodeSilk(bytes: Uint8Array, packet: OpusPacket): boolean {
    const { isMapped, nChannels, options } = this.#head;
    if (!this.#silk && !isMapped && packet.mode !== 'celt') {
      this.#silk = new OpusSilk(nChannels === 2 ? 2 : 1);
      this.#low = new Libopus({ ...options, sampleRate: 16000 });
    }
    if (!this.#silk || this.#silk.needsLibopus(packet)) return false;
    this.#passedOver.push(bytes);
    if (this.#passedOver.length > N_REPLAYED) this.#passedOver.shift();
    this.#report.count(48 * packet.frameMs * packet.frames.length);
    this.#silk.push(packet, undefined, this.#out);
    return true;
  }

  /** Appends the samples of a packet to the page's. */
  async #decode(bytes: Uint8Array, packet: OpusPacket): Promise<void> {
    let lowBefore: Channel[] | undefined;
    for (const before of this.#passedOver.splice(0)) {
      await this.#full.decode(before);
      lowBefore = await this.#low?.decode(before);
    }
    const decoded = await this.#full.decode(bytes);
    this.#report.count(decoded?.[0]?.length ?? 0);
    if (!decoded) this.#report.damage('a packet that is not valid');
    const full = this.#speakers.order.map((c) => decoded?.[c] ?? new Float32Array(0));
    if (this.#silk) this.#silk.push(packet, { full, low: await this.#low?.decode(bytes), lowBefore }, this.#out);
    else this.#out.append(full);
  }

  /** Of the page's samples. */
  #piece(from: number, to: number): PcmPiece {
    const { nChannels, gain } = this.#head;
    const { channelMask } = this.#speakers;
    const channels = this.#out.channels(from, to);
    if (gain !== 1)
      for (const channel of channels) for (let i = 0; i < channel.length; i++) channel[i] = channel[i]! * gain;
    return { sampleFormat: 'f32', sampleRate: OPUS_RATE, nChannels, channelMask, channels };
  }
}
