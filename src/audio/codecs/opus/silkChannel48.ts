/**
 * One channel of consecutive Opus frames with SILK in them, at 48 kHz: our SILK, resampled as ffmpeg does it, replaces
 * libopus's. The output may be shorter than the input; `end` gives the rest.
 *
 * @see FFmpeg 5.1, libavcodec/opusdec.c (facts only: filter, zeros)
 */
import type { Channel } from '../../joinChannels.ts';
import { ChannelResampler } from '../../resample/channelResampler.ts';
import { dotF32 } from '../../resample/dotF32.ts';
import { resampleFilter } from '../../resample/filter.ts';
import { SampleQueue } from '../sampleQueue.ts';
import { LibopusSilk } from './libopusSilk.ts';
import type { SilkRate } from './opusPacket.ts';
import { type Redundancy, silkShare } from './opusRedundancy.ts';

const FILTER_TAPS = 16;
/** Zeros that FFmpeg feeds its resampler first, so that SILK and CELT are aligned. */
const LEADING_ZEROS: Readonly<Record<SilkRate, number>> = { 8000: 4, 12000: 8, 16000: 11 };

export interface SilkFrame48 {
  /** Our SILK, at its own rate. */
  readonly own: Channel;
  /** libopus's output at 48 kHz. */
  readonly full: Channel;
  /** libopus's output at 16 kHz, if that is SILK's rate. */
  readonly low: Channel | undefined;
  readonly isHybrid: boolean;
  readonly redundancy: Redundancy;
}

export class SilkChannel48 {
  readonly #resampler: ChannelResampler<Channel>;
  readonly #libopusSilk: LibopusSilk;
  readonly #ours = new SampleQueue();
  readonly #theirs = new SampleQueue();
  readonly #full = new SampleQueue();
  /** SILK's share of each sample. */
  readonly #share = new SampleQueue();
  /** 1 where `theirs` is a part of `full` and is subtracted from it, 0 where `full` is SILK alone. */
  readonly #isMixed = new SampleQueue();

  /** @param lead samples by which our SILK is ahead of libopus's before either is resampled */
  constructor(rate: SilkRate, lead: number) {
    const filter = resampleFilter(rate, 48000, FILTER_TAPS);
    this.#resampler = new ChannelResampler<Channel>(filter, dotF32(filter), (length) => new Float32Array(length));
    this.#ours.push(this.#resampler.push(new Float32Array(LEADING_ZEROS[rate])));
    this.#libopusSilk = new LibopusSilk(rate, lead);
  }

  push({ own, full, low, isHybrid, redundancy }: SilkFrame48): Channel {
    this.#ours.push(this.#resampler.push(own));
    this.#full.push(full);
    this.#theirs.push(this.#libopusSilk.push(own, low, redundancy));
    const share = silkShare(full.length, redundancy);
    this.#share.push(share);
    this.#isMixed.push(share.map((value) => (isHybrid || value < 1 ? 1 : 0)));
    return this.#take(Math.min(this.#full.length, this.#ours.length, this.#theirs.length));
  }

  end(): Channel {
    this.#ours.push(this.#resampler.end());
    this.#theirs.push(this.#libopusSilk.end());
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
