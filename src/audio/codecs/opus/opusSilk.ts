/**
 * Opus as FFmpeg's own decoder gives it, from libopus's output. On CELT the two agree, except for a few frames. SILK's
 * part FFmpeg decodes in f32 and resamples to 48 kHz by libswresample, which passes more near 8 kHz than libopus's
 * resampler and is 0.4 samples (of 16 kHz) later: in speech the two are 12 to 20 dB apart. So SILK is decoded once more,
 * by `SilkDecoder`:
 * - a frame of SILK alone is replaced, so that libopus need not decode it;
 * - in a hybrid frame, SILK's part is subtracted (libopus decodes it at 16 kHz, where nothing is left of CELT's) and ours
 *   is added;
 * - where a mode ends or begins, 2.5 ms of a redundant CELT frame fade in or out, and ours takes part in the same fade.
 *
 * @see RFC 6716, sections 4.5.1 and 4.5.2; FFmpeg 5.1, libavcodec/opusdec.c (facts only: order, what is reset)
 */
import { type Channel, joinChannels } from '../../joinChannels.ts';
import type { OpusPacket } from './opusPacket.ts';
import { OpusRange } from './opusRange.ts';
import { type Redundancy, readRedundancy } from './opusRedundancy.ts';
import { SilkChannel48 } from './silkChannel48.ts';
import { SilkDecoder } from './silkDecoder.ts';

/** One packet, decoded by libopus; shapes [nChannels][nSamples]. */
export interface LibopusOutput {
  /** At 48 kHz. */
  readonly full: readonly Channel[];
  /** At 16 kHz. */
  readonly low: readonly Channel[] | undefined;
  /** The same of the packet before, if that was pushed without. */
  readonly lowBefore: readonly Channel[] | undefined;
}

/** One frame by our SILK decoder. */
interface OwnFrame {
  readonly channels: readonly Channel[];
  readonly redundancy: Redundancy;
}

export class OpusSilk {
  readonly #nChannels: 1 | 2;
  readonly #silk: SilkDecoder;
  #channels: readonly SilkChannel48[] = [];
  #rate = 0;
  /** The frames of the packet that comes next. */
  #own: OwnFrame[] = [];
  /** Whether the packet before had more than SILK: its end is subtracted by the start of the next one. */
  #hadMore = false;

  constructor(nChannels: 1 | 2) {
    this.#nChannels = nChannels;
    this.#silk = new SilkDecoder(nChannels);
  }

  /**
   * Whether libopus's output of a packet is needed: where there is more than SILK in it, or in the one before. To be asked
   * once for each packet, in their order, before `push`.
   */
  needsLibopus(packet: OpusPacket): boolean {
    this.#own = [];
    if (packet.mode === 'celt') {
      this.#hadMore = false;
      return true;
    }
    const { silkRate: rate, isStereo, frameMs } = packet;
    const isHybrid = packet.mode === 'hybrid';
    for (const frame of packet.frames) {
      const range = new OpusRange(frame);
      const channels = this.#silk.decode(range, { rate, isStereo, frameMs });
      this.#own.push({ channels, redundancy: readRedundancy(range, frame.length, isHybrid) });
    }
    const hasMore = isHybrid || this.#own.some(({ redundancy }) => redundancy !== 'none');
    const isNeeded = hasMore || this.#hadMore;
    this.#hadMore = hasMore;
    return isNeeded;
  }

  /**
   * @param output undefined where it is not needed
   * @returns shape [nChannels][nSamples] at 48 kHz, up to 1 ms less or more than the packet has
   */
  push(packet: OpusPacket, output: LibopusOutput | undefined): Channel[] {
    const size = 48 * packet.frameMs;
    const nSamples = size * packet.frames.length;
    const silence = (): Channel[] => Array.from({ length: this.#nChannels }, () => new Float32Array(nSamples));
    const { full, low, lowBefore } = output ?? { full: silence() };
    const given = full[0]?.length ?? 0;
    if (given === 0) return []; // libopus could not decode it
    // Not the length that its header says: libopus's output is taken as it is.
    if (given !== nSamples) return joinChannels([this.end(), full]);
    const pieces = packet.frames.map((_, i) => {
      const part = full.map((channel) => channel.subarray(i * size, (i + 1) * size));
      if (packet.mode === 'celt') {
        this.#silk.reset();
        return joinChannels([this.end(), part]);
      }
      const lowSize = packet.silkRate === 16000 ? size / 3 : 0;
      const lowPart = lowSize > 0 ? low?.map((channel) => channel.subarray(i * lowSize, (i + 1) * lowSize)) : undefined;
      return this.#pushFrame(packet, this.#own[i]!, part, lowPart, i === 0 && lowPart ? lowBefore : undefined);
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
    { channels: own, redundancy }: OwnFrame,
    full: readonly Channel[],
    low: readonly Channel[] | undefined,
    lowBefore: readonly Channel[] | undefined,
  ): Channel[] {
    const { silkRate: rate, isStereo } = packet;
    const rest = rate === this.#rate ? [] : this.end();
    this.#rate = rate;
    if (this.#channels.length === 0) {
      // The delays of the two decoders: FFmpeg's is two samples in mono; all others are one.
      const lead = this.#nChannels === 2 && isStereo ? 0 : -1;
      this.#channels = full.map(() => new SilkChannel48(rate, lead));
    }
    const isHybrid = packet.mode === 'hybrid';
    const out = this.#channels.map((channel, c) =>
      channel.push({ own: own[c]!, full: full[c]!, low: low?.[c], lowBefore: lowBefore?.[c], isHybrid, redundancy }),
    );
    return joinChannels([rest, out]);
  }
}
