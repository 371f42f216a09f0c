/**
 * One channel of consecutive Opus frames with SILK in them, at 48 kHz: our SILK, resampled as ffmpeg does it, replaces
 * libopus's. The output may be shorter than the input; `end` gives the rest.
 *
 * @see FFmpeg 5.1, libavcodec/opusdec.c (facts only: filter, zeros)
 */
import type { Channel } from '../../joinChannels.ts';
import { ChannelResampler } from '../../resample/channelResampler.ts';
import { resampleFilter } from '../../resample/filter.ts';
import { f32InJavaScript } from '../../resample/resample.ts';
import { fastMachines } from '../../resample/wasmMachine.ts';
import { LibopusSilk } from './libopusSilk.ts';
import type { SilkRate } from './opusPacket.ts';
import { type Redundancy, silkShare } from './opusRedundancy.ts';
import { SampleQueue } from './sampleQueue.ts';

const FILTER_TAPS = 16;
/** Samples of the longest Opus frame, 60 ms, at SILK's rate. */
const MAX_OWN = 960;
/** Zeros that FFmpeg feeds its resampler first, so that SILK and CELT are aligned. */
const LEADING_ZEROS: Readonly<Record<SilkRate, number>> = { 8000: 4, 12000: 8, 16000: 11 };

export interface SilkFrame48 {
  /** Our SILK, at its own rate. */
  readonly own: Channel;
  /** Samples at 48 kHz. */
  readonly length: number;
  /** libopus's output at 48 kHz; silence where it is not needed. */
  readonly full: Channel | undefined;
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
  /** `own` of the frame before: the first `#nBefore` samples. */
  readonly #ownBefore = new Float32Array(MAX_OWN);
  #nBefore = 0;
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
    this.#resampler = new ChannelResampler(
      filter,
      (...parts) => fastMachines().f32?.(...parts) ?? f32InJavaScript(...parts),
    );
    this.#ours.push(this.#resampler.push(new Float32Array(LEADING_ZEROS[rate])));
    this.#rate = rate;
    this.#lead = lead;
  }

  /** @returns valid until the next call */
  push({ own, length, full, low, lowBefore, isHybrid, redundancy }: SilkFrame48): Channel {
    this.#ours.push(this.#resampler.push(own));
    pushOrSilence(this.#full, full, length);
    const isSilkAlone = !isHybrid && redundancy === 'none';
    if (isSilkAlone && !low) {
      this.#endLibopusSilk();
      pushOrSilence(this.#theirs, full, length);
    } else {
      this.#libopusSilk ??= this.#startLibopusSilk(lowBefore);
      this.#theirs.push(this.#libopusSilk.push(own, low, redundancy).subarray(this.#surplus));
    }
    this.#surplus = 0;
    this.#ownBefore.set(own);
    this.#nBefore = own.length;
    const share = redundancy === 'none' ? undefined : silkShare(length, redundancy);
    this.#frames.push({ length, taken: 0, share, isHybrid });
    return this.#take(Math.min(this.#full.length, this.#ours.length, this.#theirs.length));
  }

  /** @returns valid until the next call */
  end(): Channel {
    this.#ours.push(this.#resampler.end());
    this.#endLibopusSilk();
    return this.#take(this.#full.length);
  }

  /** In the state that it would have had it been there for the frame before, whose place in `theirs` is taken. */
  #startLibopusSilk(low: Channel | undefined): LibopusSilk {
    const libopusSilk = new LibopusSilk(this.#rate, this.#lead);
    const own = this.#ownBefore.subarray(0, this.#nBefore);
    if (own.length === 0) return libopusSilk;
    const lowOfOwn = low && low.length >= own.length ? low.subarray(low.length - own.length) : undefined;
    this.#surplus = (own.length * 48000) / this.#rate - libopusSilk.push(own, lowOfOwn, 'none').length;
    return libopusSilk;
  }

  #endLibopusSilk(): void {
    if (this.#libopusSilk) this.#theirs.push(this.#libopusSilk.end());
    this.#libopusSilk = undefined;
  }

  #take(length: number): Channel {
    const isSilkAlone = this.#theirs.isSilent && this.#full.isSilent;
    const ours = this.#ours.take(length);
    const theirs = this.#theirs.take(length);
    const full = this.#full.take(length);
    for (let from = 0; from < length; ) {
      const frame = this.#frames[0]!; // `full` has no more samples than its frames
      const to = Math.min(from + frame.length - frame.taken, length);
      if (isSilkAlone && !frame.share) full.set(ours.subarray(from, to), from);
      else replaceSilk(ours, theirs, full, from, to, frame);
      frame.taken += to - from;
      if (frame.taken === frame.length) this.#frames.shift();
      from = to;
    }
    return full;
  }
}

function pushOrSilence(queue: SampleQueue, samples: Channel | undefined, length: number): void {
  if (samples) queue.push(samples);
  else queue.pushZeros(length);
}

interface FrameShare {
  readonly length: number;
  /** Samples that have been taken. */
  taken: number;
  /** SILK's share of each sample; undefined where it is all of them. */
  readonly share: Float32Array | undefined;
  readonly isHybrid: boolean;
}

/** Ours in the place of SILK's part: of `theirs` where there is something beside it, else of all of `full`. */
function replaceSilk(
  ours: Float32Array,
  theirs: Float32Array,
  full: Float32Array,
  from: number,
  to: number,
  { taken, share, isHybrid }: FrameShare,
): void {
  if (share) {
    for (let i = from; i < to; i++) {
      const value = full[i]!;
      const part = share[taken + i - from]!;
      full[i] = value + part * (ours[i]! - (isHybrid || part < 1 ? theirs[i]! : value));
    }
  } else {
    const replaced = isHybrid ? theirs : full;
    for (let i = from; i < to; i++) full[i] = full[i]! + (ours[i]! - replaced[i]!);
  }
}
