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
import { LibopusSilk } from './libopusSilk.ts';
import type { SilkRate } from './opusPacket.ts';
import { type Redundancy, silkShare } from './opusRedundancy.ts';
import { SampleQueue } from './sampleQueue.ts';

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
  /** The same of the packet before, where it was not given with that. */
  readonly lowBefore: Channel | undefined;
  readonly isHybrid: boolean;
  readonly redundancy: Redundancy;
}

export class SilkChannel48 {
  readonly #resampler: ChannelResampler<Channel>;
  readonly #rate: SilkRate;
  readonly #lead: number;
  /** In frames that have more than SILK in them. */
  #libopusSilk: LibopusSilk | undefined;
  #ownBefore: Channel | undefined;
  /** Samples of its next output that belong to the frame before. */
  #surplus = 0;
  readonly #ours = new SampleQueue();
  readonly #theirs = new SampleQueue();
  readonly #full = new SampleQueue();
  /** The frames that `full` has samples of. */
  readonly #frames: FrameShare[] = [];

  /** @param lead samples by which our SILK is ahead of libopus's before either is resampled */
  constructor(rate: SilkRate, lead: number) {
    const filter = resampleFilter(rate, 48000, FILTER_TAPS);
    this.#resampler = new ChannelResampler<Channel>(filter, dotF32(filter), (length) => new Float32Array(length));
    this.#ours.push(this.#resampler.push(new Float32Array(LEADING_ZEROS[rate])));
    this.#rate = rate;
    this.#lead = lead;
  }

  push({ own, full, low, lowBefore, isHybrid, redundancy }: SilkFrame48): Channel {
    this.#ours.push(this.#resampler.push(own));
    this.#full.push(full);
    const isSilkAlone = !isHybrid && redundancy === 'none';
    if (isSilkAlone && !low) {
      this.#endLibopusSilk();
      this.#theirs.push(full);
    } else {
      this.#libopusSilk ??= this.#startLibopusSilk(lowBefore);
      this.#theirs.push(this.#libopusSilk.push(own, low, redundancy).subarray(this.#surplus));
    }
    this.#surplus = 0;
    this.#ownBefore = own;
    const share = redundancy === 'none' ? undefined : silkShare(full.length, redundancy);
    this.#frames.push({ length: full.length, taken: 0, share, isHybrid });
    return this.#take(Math.min(this.#full.length, this.#ours.length, this.#theirs.length));
  }

  end(): Channel {
    this.#ours.push(this.#resampler.end());
    this.#endLibopusSilk();
    return this.#take(this.#full.length);
  }

  /** In the state that it would have had it been there for the frame before, whose place in `theirs` is taken. */
  #startLibopusSilk(low: Channel | undefined): LibopusSilk {
    const libopusSilk = new LibopusSilk(this.#rate, this.#lead);
    const own = this.#ownBefore;
    if (!own) return libopusSilk;
    const lowOfOwn = low && low.length >= own.length ? low.subarray(low.length - own.length) : undefined;
    this.#surplus = (own.length * 48000) / this.#rate - libopusSilk.push(own, lowOfOwn, 'none').length;
    return libopusSilk;
  }

  #endLibopusSilk(): void {
    if (this.#libopusSilk) this.#theirs.push(this.#libopusSilk.end());
    this.#libopusSilk = undefined;
  }

  #take(length: number): Channel {
    const [ours, theirs, full] = [this.#ours.take(length), this.#theirs.take(length), this.#full.take(length)];
    for (let from = 0; from < length; ) {
      const frame = this.#frames[0]!; // `full` has no more samples than its frames
      const to = Math.min(from + frame.length - frame.taken, length);
      replaceSilk({ ours, theirs, full }, from, to, frame);
      frame.taken += to - from;
      if (frame.taken === frame.length) this.#frames.shift();
      from = to;
    }
    return full;
  }
}

interface FrameShare {
  readonly length: number;
  /** Samples that have been taken. */
  taken: number;
  /** SILK's share of each sample; undefined where it is all of them. */
  readonly share: Float32Array | undefined;
  readonly isHybrid: boolean;
}

/** Ours in the place of SILK's part: of `theirs` where there is something beside it, else of all. */
function replaceSilk(
  { ours, theirs, full }: Readonly<Record<'ours' | 'theirs' | 'full', Float32Array>>,
  from: number,
  to: number,
  { taken, share, isHybrid }: FrameShare,
): void {
  for (let i = from; i < to; i++) {
    const value = full[i]!;
    const part = share ? share[taken + i - from]! : 1;
    full[i] = value + part * (ours[i]! - (isHybrid || part < 1 ? theirs[i]! : value));
  }
}
