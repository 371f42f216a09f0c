/**
 * One channel of a run of Opus frames with SILK in them: our SILK at 48 kHz by ffmpeg's resampler, in place of
 * libopus's. What comes out may lag behind what went in; `end` gives the rest.
 *
 * @see FFmpeg 5.1, libavcodec/opusdec.c (facts only: filter, zeros)
 */

import type { Channel } from '../../joinChannels.ts';
import { ChannelResampler } from '../../resample/channelResampler.ts';
import { dotF32 } from '../../resample/dotF32.ts';
import { resampleFilter } from '../../resample/filter.ts';
import { LibopusSilk } from './libopusSilk.ts';
import type { SilkRate } from './opusPacket.ts';
import { type Redundancy, silkShare } from './opusRedundancy.ts';
import { SampleQueue } from './sampleQueue.ts';

const FILTER_TAPS = 16;
/** Zeros that FFmpeg feeds its resampler first, so that SILK and CELT are in step. */
const LEADING_ZEROS: Readonly<Record<SilkRate, number>> = { 8000: 4, 12000: 8, 16000: 11 };

export interface SilkFrame48 {
  /** Our SILK, at its own rate. */
  readonly own: Channel;
  /** What libopus gives at 48 kHz. */
  readonly full: Channel;
  /** What libopus gives at 16 kHz, if that is SILK's rate and `hasOther`. */
  readonly low: Channel | undefined;
  readonly isHybrid: boolean;
  readonly redundancy: Redundancy;
}

export class SilkChannel48 {
  readonly #resampler: ChannelResampler<Channel>;
  readonly #libopusSilk: LibopusSilk | undefined;
  readonly #ours = new SampleQueue();
  readonly #theirs = new SampleQueue();
  readonly #full = new SampleQueue();
  readonly #share = new SampleQueue();
  /** 1 where `theirs` is to be taken out of the full sound, 0 where there is nothing else in it. */
  readonly #isMixed = new SampleQueue();

  /**
   * @param lead     samples that our SILK is ahead of libopus's before either resamples
   * @param hasOther whether there may be more than SILK in the sound
   */
  constructor(rate: SilkRate, lead: number, hasOther: boolean) {
    const filter = resampleFilter(rate, 48000, FILTER_TAPS);
    this.#resampler = new ChannelResampler<Channel>(filter, dotF32(filter), (length) => new Float32Array(length));
    this.#ours.push(this.#resampler.push(new Float32Array(LEADING_ZEROS[rate])));
    this.#libopusSilk = hasOther ? new LibopusSilk(rate, lead) : undefined;
  }

  push({ own, full, low, isHybrid, redundancy }: SilkFrame48): Channel {
    this.#ours.push(this.#resampler.push(own));
    this.#full.push(full);
    this.#theirs.push(this.#libopusSilk?.push(own, low, redundancy) ?? full);
    const share = silkShare(full.length, redundancy);
    this.#share.push(share);
    if (!this.#libopusSilk) share.fill(0);
    else for (let i = 0; i < share.length; i++) share[i] = isHybrid || share[i]! < 1 ? 1 : 0;
    this.#isMixed.push(share);
    return this.#take(Math.min(this.#full.length, this.#ours.length, this.#theirs.length));
  }

  end(): Channel {
    this.#ours.push(this.#resampler.end());
    if (this.#libopusSilk) this.#theirs.push(this.#libopusSilk.end());
    return this.#take(this.#full.length);
  }

  #take(length: number): Channel {
    const [ours, theirs, full] = [this.#ours.take(length), this.#theirs.take(length), this.#full.take(length)];
    const [share, isMixed] = [this.#share.take(length), this.#isMixed.take(length)];
    for (let i = 0; i < length; i++) {
      const value = full[i]!;
      full[i] = value + share[i]! * (ours[i]! - (isMixed[i] === 1 ? theirs[i]! : value));
    }
    return full;
  }
}
