/**
 * SILK's part in what libopus gives at 48 kHz, in one channel of a run of frames: from what libopus gives at 16 kHz,
 * where SILK is as it was decoded and nothing is left of CELT's high band; and where that does not do (a redundant
 * frame of CELT stands in for SILK, or SILK's own rate is lower), from our SILK, rounded.
 */
import { concat } from '../../../base/bytes.ts';
import type { Channel } from '../../joinChannels.ts';
import { clampInt16, roundHalfEven } from '../../resample/rounding.ts';
import type { SilkRate } from './opusPacket.ts';
import type { Redundancy } from './opusRedundancy.ts';
import { SILK_UPSAMPLER_DELAY, SilkUpsampler } from './silkUpsampler.ts';

/** Samples that libopus puts first where it gives SILK's own rate. libopus 1.5, silk/resampler.c, delay_matrix_dec */
const LOW_RATE_DELAY: Readonly<Record<SilkRate, number>> = { 8000: 4, 12000: 9, 16000: 12 };

export class LibopusSilk {
  readonly #rate: SilkRate;
  readonly #upsampler: SilkUpsampler;
  /** So many samples libopus is later at SILK's own rate than at 48 kHz. */
  readonly #ahead: number;
  /** The last of ours, as many as libopus is later than we are. */
  #before: Channel;
  #toSkip: number;

  /** @param lead samples that our SILK is ahead of libopus's before either resamples */
  constructor(rate: SilkRate, lead: number) {
    this.#rate = rate;
    this.#upsampler = new SilkUpsampler(rate);
    this.#ahead = LOW_RATE_DELAY[rate] - SILK_UPSAMPLER_DELAY[rate];
    this.#toSkip = this.#ahead;
    this.#before = new Float32Array(LOW_RATE_DELAY[rate] + lead);
  }

  /** @returns 48 kHz, a little less than came in at first */
  push(own: Channel, low: Channel | undefined, redundancy: Redundancy): Channel {
    const late = this.#delayed(own);
    const perMs = this.#rate / 1000;
    const from = redundancy === 'end' ? own.length - 2.5 * perMs : 0;
    const to = redundancy === 'start' ? 5 * perMs : own.length;
    const silk = new Float64Array(own.length);
    for (let i = 0; i < silk.length; i++) {
      const isReplaced = !low || (redundancy !== 'none' && i >= from && i < to);
      silk[i] = isReplaced ? toInt16(late[i]!) : low[i]! * 32768;
    }
    const skipped = Math.min(this.#toSkip, silk.length);
    this.#toSkip -= skipped;
    return this.#upsampled(silk.subarray(skipped));
  }

  end(): Channel {
    return this.#upsampled(Float64Array.from(this.#before.subarray(0, this.#ahead), toInt16));
  }

  #delayed(own: Channel): Channel {
    const joined = concat(Float32Array, [this.#before, own]);
    this.#before = joined.slice(own.length);
    return joined.subarray(0, own.length);
  }

  #upsampled(silk: Float64Array): Channel {
    const out = new Float32Array(this.#upsampler.push(silk));
    for (let i = 0; i < out.length; i++) out[i] = out[i]! / 32768;
    return out;
  }
}

function toInt16(value: number): number {
  return clampInt16(roundHalfEven(value * 32768));
}
