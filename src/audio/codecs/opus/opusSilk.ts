/**
 * Opus as FFmpeg's own decoder gives it, from what libopus gave. On CELT the two agree, but for a few frames. SILK's
 * part FFmpeg decodes in f32 and brings to 48 kHz by libswresample, which lets more through near 8 kHz than libopus's
 * resampler and comes 0.4 samples (of 16 kHz) later: in speech they are 12 to 20 dB apart. So SILK is decoded anew, by
 * `SilkDecoder`:
 * - a frame of SILK alone is replaced;
 * - of a hybrid frame, SILK's part is taken out (libopus decodes it at 16 kHz, where nothing is left of CELT's) and
 *   ours put in;
 * - where a mode ends or begins, 2.5 ms of a redundant CELT frame are faded in or out, and the same is done in the fade.
 *
 * @see RFC 6716, sections 4.5.1 and 4.5.2; FFmpeg 5.1, libavcodec/opusdec.c (facts only: order, what is reset)
 */
import { type Channel, joinChannels } from '../../joinChannels.ts';
import { type OpusPacket, parseOpusPacket } from './opusPacket.ts';
import { OpusRange } from './opusRange.ts';
import { readRedundancy } from './opusRedundancy.ts';
import { SilkChannel48 } from './silkChannel48.ts';
import { SilkDecoder } from './silkDecoder.ts';

/** One packet, decoded by libopus. */
export interface LibopusOutput {
  /** At 48 kHz. */
  readonly full: readonly Channel[];
  /** At 16 kHz, where `silkNeeds` asks for it. */
  readonly low: readonly Channel[] | undefined;
}

/**
 * What there is to do for a file's packets: nothing; decode SILK anew; or that with libopus's sound at 16 kHz, as more
 * than one mode or rate means redundant frames where they change.
 */
export function silkNeeds(packets: Iterable<Uint8Array>): 'nothing' | 'silk' | 'silkAndLow' {
  const kinds = new Set<string>();
  for (const bytes of packets) {
    const packet = parseOpusPacket(bytes);
    if (packet) kinds.add(packet.mode === 'silk' ? `silk ${packet.silkRate}` : packet.mode);
  }
  if (kinds.size === 0 || (kinds.size === 1 && kinds.has('celt'))) return 'nothing';
  return kinds.size > 1 || kinds.has('hybrid') ? 'silkAndLow' : 'silk';
}

export class OpusSilk {
  readonly #nChannels: 1 | 2;
  readonly #hasLow: boolean;
  readonly #silk: SilkDecoder;
  #channels: readonly SilkChannel48[] = [];
  #rate = 0;

  /** @param hasLow whether libopus's sound at 16 kHz will come, too */
  constructor(nChannels: 1 | 2, hasLow: boolean) {
    this.#nChannels = nChannels;
    this.#hasLow = hasLow;
    this.#silk = new SilkDecoder(nChannels);
  }

  /** @returns shape [nChannels][nSamples] at 48 kHz, up to 1 ms less or more than came in */
  push(bytes: Uint8Array, { full, low }: LibopusOutput): Channel[] {
    const packet = parseOpusPacket(bytes);
    const size = 48 * (packet?.frameMs ?? 0);
    const given = full[0]?.length ?? 0;
    if (given === 0) return []; // damaged
    if (packet?.frames.length !== given / size) return joinChannels([this.end(), full]); // libopus had its reason
    const pieces = packet.frames.map((frame, i) => {
      const part = full.map((channel) => channel.subarray(i * size, (i + 1) * size));
      if (packet.mode === 'celt') {
        this.#silk.reset();
        return joinChannels([this.end(), part]);
      }
      const lowSize = packet.silkRate === 16000 ? size / 3 : 0;
      const lowPart = lowSize > 0 ? low?.map((channel) => channel.subarray(i * lowSize, (i + 1) * lowSize)) : undefined;
      return this.#pushFrame(packet, frame, part, lowPart);
    });
    return joinChannels(pieces);
  }

  /** What has been kept back. */
  end(): Channel[] {
    const rest = this.#channels.map((channel) => channel.end());
    this.#channels = [];
    return rest;
  }

  #pushFrame(
    packet: OpusPacket,
    frame: Uint8Array,
    full: readonly Channel[],
    low: readonly Channel[] | undefined,
  ): Channel[] {
    const { silkRate: rate, isStereo, frameMs } = packet;
    const rest = rate === this.#rate ? [] : this.end();
    this.#rate = rate;
    if (this.#channels.length === 0) {
      // The delay within the decoders: FFmpeg's has two samples in mono, both have one elsewhere.
      const lead = this.#nChannels === 2 && isStereo ? 0 : -1;
      this.#channels = full.map(() => new SilkChannel48(rate, lead, this.#hasLow));
    }
    const range = new OpusRange(frame);
    const own = this.#silk.decode(range, { rate, isStereo, frameMs });
    const isHybrid = packet.mode === 'hybrid';
    const redundancy = readRedundancy(range, frame.length, isHybrid);
    const out = this.#channels.map((channel, c) =>
      channel.push({ own: own[c]!, full: full[c]!, low: low?.[c], isHybrid, redundancy }),
    );
    return joinChannels([rest, out]);
  }
}
