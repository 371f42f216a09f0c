/**
 * The part that SILK has in libopus's 48 kHz output, for one channel of consecutive frames, so that it can be subtracted.
 * It comes from libopus's output at 16 kHz, which is SILK as decoded, without CELT's high band. Where that is not so (a
 * redundant CELT frame replaces SILK, or SILK's own rate is lower) it comes from our SILK decoder, rounded to 16 bits.
 */
import { concat } from '../../../base/bytes.ts';
import type { Channel } from '../../joinChannels.ts';
import { clampInt16, roundHalfEven } from '../../resample/rounding.ts';
import type { SilkRate } from './opusPacket.ts';
import type { Redundancy } from './opusRedundancy.ts';
import { SILK_UPSAMPLER_DELAY, SilkUpsampler } from './silkUpsampler.ts';

/** Samples of delay when libopus gives SILK's own rate. libopus 1.5, silk/resampler.c, delay_matrix_dec */
const LOW_RATE_DELAY: Readonly<Record<SilkRate, number>> = { 8000: 4, 12000: 9, 16000: 12 };

export class LibopusSilk {
  readonly #rate: SilkRate;
  readonly #upsampler: SilkUpsampler;
  /** Samples by which libopus is later at SILK's own rate than at 48 kHz. */
  readonly #ahead: number;
  /** The last samples of our decoder, as many as libopus is later than it. */
  #before: Channel;
  #toSkip: number;

  /** @param lead samples by which our SILK is ahead of libopus's before either is resampled */
  constructor(rate: SilkRate, lead: number) {
    this.#rate = rate;
    this.#upsampler = new SilkUpsampler(rate);
    this.#ahead = LOW_RATE_DELAY[rate] - SILK_UPSAMPLER_DELAY[rate];
    this.#toSkip = this.#ahead;
    this.#before = new Float32Array(LOW_RATE_DELAY[rate] + lead);
  }

  /**
   * @param own our SILK, at its own rate
   * @param low libopus's output at 16 kHz, if that is SILK's rate
   * @returns 48 kHz; at first a little less than the input, the rest comes from `end`
   */
  push(own: Channel, low: Channel | undefined, redundancy: Redundancy): Channel {
    const delayed = this.#delay(own);
    const perMs = this.#rate / 1000;
    const from = redundancy === 'end' ? own.length - 2.5 * perMs : 0;
    const to = redundancy === 'start' ? 5 * perMs : own.length;
    const silk = new Float64Array(own.length);
    for (let i = 0; i < silk.length; i++) {
      const isReplaced = !low || (redundancy !== 'none' && i >= from && i < to);
      silk[i] = isReplaced ? toInt16(delayed[i]!) : low[i]! * 32768;
    }
    const skipped = Math.min(this.#toSkip, silk.length);
    this.#toSkip -= skipped;
    return this.#upsample(silk.subarray(skipped));
  }

  end(): Channel {
    return this.#upsample(Float64Array.from(this.#before.subarray(0, this.#ahead), toInt16));
  }

  #delay(own: Channel): Channel {
    const joined = concat(Float32Array, [this.#before, own]);
    this.#before = joined.slice(own.length);
    return joined.subarray(0, own.length);
  }

  #upsample(silk: Float64Array): Channel {
    const out = new Float32Array(this.#upsampler.push(silk));
    for (let i = 0; i < out.length; i++) out[i] = out[i]! / 32768;
    return out;
  }
}

function toInt16(value: number): number {
  return clampInt16(roundHalfEven(value * 32768));
}
