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
import type { Channel } from '../../joinChannels.ts';
import type { PlanarBuffer } from '../planarBuffer.ts';
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
  /** Where it begins and ends in the samples of the packet. */
  readonly from: number;
  readonly to: number;
  readonly redundancy: Redundancy;
}

/** Samples of the longest packet, 120 ms, at SILK's rate. */
const MAX_OWN = 1920;

export class OpusSilk {
  readonly #nChannels: 1 | 2;
  readonly #silk: SilkDecoder;
  readonly #range = new OpusRange();
  #channels: readonly SilkChannel48[] = [];
  #rate = 0;
  /** The packet that comes next by our decoder; shape [nChannels][1920]. */
  readonly #ownSamples: readonly Channel[];
  /** Its frames. */
  #own: OwnFrame[] = [];
  /** Whether the packet before had more than SILK: its end is subtracted by the start of the next one. */
  #hadMore = false;

  constructor(nChannels: 1 | 2) {
    this.#nChannels = nChannels;
    this.#silk = new SilkDecoder(nChannels);
    this.#ownSamples = Array.from({ length: nChannels }, () => new Float32Array(MAX_OWN));
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
    const range = this.#range;
    let hasMore = isHybrid;
    let from = 0;
    for (const frame of packet.frames) {
      range.start(frame);
      const to = from + (rate * frameMs) / 1000;
      this.#silk.decode(range, { rate, isStereo, frameMs }, this.#ownSamples, from);
      const redundancy = readRedundancy(range, frame.length, isHybrid);
      hasMore ||= redundancy !== 'none';
      this.#own.push({ from, to, redundancy });
      from = to;
    }
    const isNeeded = hasMore || this.#hadMore;
    this.#hadMore = hasMore;
    return isNeeded;
  }

  /**
   * @param output undefined where it is not needed
   * @param out    gets the packet, [nChannels][nSamples] at 48 kHz, up to 1 ms less or more than it has
   */
  push(packet: OpusPacket, output: LibopusOutput | undefined, out: PlanarBuffer<'f32'>): void {
    const size = 48 * packet.frameMs;
    const nGiven = output ? (output.full[0]?.length ?? 0) : size * packet.frames.length;
    if (nGiven === 0) return; // libopus could not decode it
    // Not the length that its header says: libopus's output is taken as it is.
    if (output && nGiven !== size * packet.frames.length) {
      this.end(out);
      out.append(output.full);
      return;
    }
    const lowSize = packet.silkRate === 16000 ? size / 3 : 0;
    for (let i = 0; i < packet.frames.length; i++) {
      const full = output?.full.map((channel) => channel.subarray(i * size, (i + 1) * size));
      if (packet.mode === 'celt') {
        this.#silk.reset();
        this.end(out);
        if (full) out.append(full);
        continue;
      }
      const low = lowSize > 0 ? output?.low?.map((c) => c.subarray(i * lowSize, (i + 1) * lowSize)) : undefined;
      this.#pushFrame(packet, this.#own[i]!, full, low, i === 0 && low ? output?.lowBefore : undefined, out);
    }
  }

  /** Appends the samples that `push` has not given yet. */
  end(out: PlanarBuffer<'f32'>): void {
    if (this.#channels.length > 0) out.append(this.#channels.map((channel) => channel.end()));
    this.#channels = [];
  }

  #pushFrame(
    packet: OpusPacket,
    { from, to, redundancy }: OwnFrame,
    full: readonly Channel[] | undefined,
    low: readonly Channel[] | undefined,
    lowBefore: readonly Channel[] | undefined,
    out: PlanarBuffer<'f32'>,
  ): void {
    const { silkRate: rate, isStereo, frameMs } = packet;
    if (rate !== this.#rate) this.end(out);
    this.#rate = rate;
    if (this.#channels.length === 0) {
      // The delays of the two decoders: FFmpeg's is two samples in mono; all others are one.
      const lead = this.#nChannels === 2 && isStereo ? 0 : -1;
      this.#channels = this.#ownSamples.map(() => new SilkChannel48(rate, lead));
    }
    const isHybrid = packet.mode === 'hybrid';
    const pushed = this.#channels.map((channel, c) =>
      channel.push({
        own: this.#ownSamples[c]!.subarray(from, to),
        length: 48 * frameMs,
        full: full?.[c],
        low: low?.[c],
        lowBefore: lowBefore?.[c],
        isHybrid,
        redundancy,
      }),
    );
    out.append(pushed);
  }
}
