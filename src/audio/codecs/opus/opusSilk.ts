/**
 * Opus as FFmpeg's own decoder gives it, from libopus's output. On CELT the two agree, except for a few frames. SILK's
 * part FFmpeg decodes in f32 and resamples to 48 kHz by libswresample, which passes more near 8 kHz than libopus's
 * resampler and is 0.4 samples (of 16 kHz) later: in speech the two are 12 to 20 dB apart. So SILK is decoded once more,
 * by `SilkDecoder`:
 * - a frame of SILK alone is replaced;
 * - in a hybrid frame, SILK's part is subtracted (libopus decodes it at 16 kHz, where nothing is left of CELT's) and ours
 *   is added;
 * - where a mode ends or begins, 2.5 ms of a redundant CELT frame fade in or out, and ours takes part in the same fade.
 *
 * @see RFC 6716, sections 4.5.1 and 4.5.2; FFmpeg 5.1, libavcodec/opusdec.c (facts only: order, what is reset)
 */
import { type Channel, joinChannels } from '../../joinChannels.ts';
import type { OpusPacket } from './opusPacket.ts';
import { OpusRange } from './opusRange.ts';
import { readRedundancy } from './opusRedundancy.ts';
import { SilkChannel48 } from './silkChannel48.ts';
import { SilkDecoder } from './silkDecoder.ts';

/** One packet, decoded by libopus; shapes [nChannels][nSamples]. */
export interface LibopusOutput {
  /** At 48 kHz. */
  readonly full: readonly Channel[];
  /** At 16 kHz. */
  readonly low: readonly Channel[] | undefined;
}

export class OpusSilk {
  readonly #nChannels: 1 | 2;
  readonly #silk: SilkDecoder;
  #channels: readonly SilkChannel48[] = [];
  #rate = 0;

  constructor(nChannels: 1 | 2) {
    this.#nChannels = nChannels;
    this.#silk = new SilkDecoder(nChannels);
  }

  /** @returns shape [nChannels][nSamples] at 48 kHz, up to 1 ms less or more than `full` */
  push(packet: OpusPacket, { full, low }: LibopusOutput): Channel[] {
    const size = 48 * packet.frameMs;
    const given = full[0]?.length ?? 0;
    if (given === 0) return []; // libopus could not decode it
    // Not the length that its header says: libopus's output is taken as it is.
    if (packet.frames.length !== given / size) return joinChannels([this.end(), full]);
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

  /** The samples that `push` has not given yet. */
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
      // The delays of the two decoders: FFmpeg's is two samples in mono; all others are one.
      const lead = this.#nChannels === 2 && isStereo ? 0 : -1;
      this.#channels = full.map(() => new SilkChannel48(rate, lead));
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
