/**
 * The part that SILK has in libopus's 48 kHz output, for one channel of consecutive frames, so that it can be subtracted.
 * It comes from libopus's output at 16 kHz, which is SILK as decoded, without CELT's high band. Where that is not so (a
 * redundant CELT frame replaces SILK, or SILK's own rate is lower) it comes from our SILK decoder, rounded to 16 bits.
 */
import type { Channel } from '../../joinChannels.ts';
import { clampInt16, roundHalfEven } from '../../resample/rounding.ts';
import type { SilkRate } from './opusPacket.ts';
import type { Redundancy } from './opusRedundancy.ts';
import { SILK_UPSAMPLER_DELAY, SilkUpsampler } from './silkUpsampler.ts';

/** Samples of delay when libopus gives SILK's own rate. libopus 1.5, silk/resampler.c, delay_matrix_dec */
const LOW_RATE_DELAY: Readonly<Record<SilkRate, number>> = { 8000: 4, 12000: 9, 16000: 12 };

/** Samples of the longest Opus frame, 60 ms, and of the longest delay. */
const MAX_SAMPLES = 960;
const MAX_DELAY = 16;

export class LibopusSilk {
  readonly #rate: SilkRate;
  readonly #upsampler: SilkUpsampler;
  /** Samples by which libopus is later at SILK's own rate than at 48 kHz. */
  readonly #ahead: number;
  /** Samples by which libopus at SILK's own rate is later than our decoder. */
  readonly #delay: number;
  /** Our decoder's: as many as that of the frame before, then the frame. */
  readonly #own = new Float32Array(MAX_DELAY + MAX_SAMPLES);
  /** Of the frame, in 16 bits. */
  readonly #silk = new Float64Array(MAX_SAMPLES);
  #toSkip: number;

  /** @param lead samples by which our SILK is ahead of libopus's before either is resampled */
  constructor(rate: SilkRate, lead: number) {
    this.#rate = rate;
    this.#upsampler = new SilkUpsampler(rate);
    this.#ahead = LOW_RATE_DELAY[rate] - SILK_UPSAMPLER_DELAY[rate];
    this.#toSkip = this.#ahead;
    this.#delay = LOW_RATE_DELAY[rate] + lead;
  }

  /**
   * @param own our SILK, at its own rate
   * @param low libopus's output at 16 kHz, if that is SILK's rate
   * @returns 48 kHz, valid until the next call; at first a little less than the input, the rest comes from `end`
   */
  push(own: Channel, low: Channel | undefined, redundancy: Redundancy): Channel {
    const { length } = own;
    const delayed = this.#own;
    delayed.set(own, this.#delay);
    const perMs = this.#rate / 1000;
    const isWhole = redundancy === 'none';
    const from = redundancy === 'end' ? length - 2.5 * perMs : 0;
    const to = redundancy === 'start' ? 5 * perMs : length;
    const silk = this.#silk;
    for (let i = 0; i < length; i++) {
      const isReplaced = !low || (!isWhole && i >= from && i < to);
      silk[i] = isReplaced ? toInt16(delayed[i]!) : low[i]! * 32768;
    }
    delayed.copyWithin(0, length, length + this.#delay);
    const skipped = Math.min(this.#toSkip, length);
    this.#toSkip -= skipped;
    return this.#upsampler.push(silk.subarray(skipped, length));
  }

  end(): Channel {
    return this.#upsampler.push(Float64Array.from(this.#own.subarray(0, this.#ahead), toInt16));
  }
}

function toInt16(value: number): number {
  return clampInt16(roundHalfEven(value * 32768));
}
