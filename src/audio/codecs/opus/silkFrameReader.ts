/**
 * SILK frames of one channel, from their bits to what the synthesis needs.
 *
 * @see RFC 6716, sections 4.2.7.3 to 4.2.7.8
 */
import type { SilkRate } from './opusPacket.ts';
import type { OpusRange } from './opusRange.ts';
import { MAX_ORDER, N_TAPS, type SilkFrame } from './silkFrame.ts';
import { SilkLpc } from './silkLpc.ts';
import { decodeLsf } from './silkLsf.ts';
import { LSF_INTERPOLATION, type LsfTables, NARROW_LSF, WIDE_LSF } from './silkLsfTables.ts';
import type { SilkSynthesis } from './silkSynthesis.ts';
import {
  ACTIVE_FRAME_TYPE,
  GAIN_DELTA,
  GAIN_HIGH,
  INACTIVE_FRAME_TYPE,
  LONG_TERM_FILTERS,
  LONG_TERM_SCALE,
  LONG_TERM_SCALE_VALUES,
  NARROW_CONTOURS_10,
  NARROW_CONTOURS_20,
  PERIODICITY,
  PITCH_DELTA,
  PITCH_HIGH,
  UNIFORM_4,
  UNIFORM_6,
  UNIFORM_8,
  WIDE_CONTOURS_10,
  WIDE_CONTOURS_20,
} from './silkTables.ts';

export interface SilkFrameHead {
  readonly rate: SilkRate;
  readonly nSubframes: 2 | 4;
  /** Position in the packet: the first frame is coded independently of those before it. */
  readonly index: number;
  readonly isActive: boolean;
}

/** The frames of one channel. */
export class SilkFrameReader {
  /** Whether a frame was synthesized since the last reset; set by who does it, as the next. */
  isCoded = false;
  wasVoiced = false;
  /** What a frame takes over from those before it. A frame of order 10 leaves the last six frequencies as they were. */
  readonly #frequencies = new Int16Array(MAX_ORDER);
  #logGain = 0;
  #lag = 0;
  readonly #synthesis: Pick<SilkSynthesis, 'readExcitation'>;
  readonly #frame: SilkFrame;
  readonly #lpc = new SilkLpc();
  readonly #frequenciesNow = new Int16Array(MAX_ORDER);
  readonly #interpolated = new Int16Array(MAX_ORDER);

  /** @param synthesis whose frame is filled by each `read` */
  constructor(synthesis: SilkSynthesis) {
    this.#synthesis = synthesis;
    this.#frame = synthesis.frame;
  }

  reset(): void {
    this.isCoded = false;
    this.wasVoiced = false;
    this.#logGain = 0;
    this.#lag = 0;
    this.#frequencies.fill(0);
    this.#frame.lpc.fill(0);
  }

  read(range: OpusRange, head: SilkFrameHead): void {
    const { rate, nSubframes, index, isActive } = head;
    const frame = this.#frame;
    const type = range.symbol(isActive ? ACTIVE_FRAME_TYPE : INACTIVE_FRAME_TYPE);
    const isVoiced = isActive && type >= 2;
    const signal = isVoiced ? 2 : isActive ? 1 : 0;
    frame.nSamples = (rate / 200) * nSubframes;
    frame.nSubframes = nSubframes;
    frame.isVoiced = isVoiced;
    for (let i = 0; i < nSubframes; i++) {
      const isAbsolute = i === 0 && (index === 0 || !this.isCoded);
      this.#logGain = isAbsolute ? this.#absoluteGain(range, signal) : relativeGain(range, this.#logGain);
      frame.gains[i] = linearGain(this.#logGain);
    }
    this.#readFilters(range, rate === 16000 ? WIDE_LSF : NARROW_LSF, isVoiced, nSubframes);
    if (isVoiced) this.#readPitch(range, head);
    const scale = isVoiced && index === 0 ? range.symbol(LONG_TERM_SCALE) : 0;
    frame.longTermScale = LONG_TERM_SCALE_VALUES[scale]! / 16384;
    const hasOffset = (type & 1) === 1 ? 1 : 0;
    this.#synthesis.readExcitation(range, signal, hasOffset);
  }

  #absoluteGain(range: OpusRange, signal: 0 | 1 | 2): number {
    const gain = 8 * range.symbol(GAIN_HIGH[signal]) + range.symbol(UNIFORM_8);
    return this.isCoded ? Math.max(gain, this.#logGain - 16) : gain;
  }

  #readFilters(range: OpusRange, tables: LsfTables, isVoiced: boolean, nSubframes: 2 | 4): void {
    const frame = this.#frame;
    const { order } = tables;
    const before = this.#frequencies;
    const now = this.#frequenciesNow.subarray(0, order);
    decodeLsf(range, tables, isVoiced, now);
    const share = nSubframes === 4 ? range.symbol(LSF_INTERPOLATION) : 4;
    frame.order = order;
    frame.isInterpolated = share !== 4 && this.isCoded;
    if (frame.isInterpolated && share === 0) frame.lpcBefore.set(frame.lpc);
    else if (frame.isInterpolated) {
      const interpolated = this.#interpolated.subarray(0, order);
      for (let i = 0; i < order; i++) interpolated[i] = before[i]! + (((now[i]! - before[i]!) * share) >> 2);
      this.#lpc.ofLsf(interpolated, tables, frame.lpcBefore);
    }
    this.#lpc.ofLsf(now, tables, frame.lpc);
    before.set(now);
  }

  #readPitch(range: OpusRange, { rate, nSubframes, index }: SilkFrameHead): void {
    const { lags, taps } = this.#frame;
    const perMs = rate / 1000;
    const [min, max] = [2 * perMs, 18 * perMs];
    const delta = index > 0 && this.wasVoiced ? range.symbol(PITCH_DELTA) : 0;
    if (delta > 0) {
      this.#lag += delta - 9;
    } else {
      const low = perMs === 8 ? UNIFORM_4 : perMs === 12 ? UNIFORM_6 : UNIFORM_8;
      const high = range.symbol(PITCH_HIGH);
      this.#lag = min + (high * perMs) / 2 + range.symbol(low);
    }
    const narrow = nSubframes === 2 ? NARROW_CONTOURS_10 : NARROW_CONTOURS_20;
    const wide = nSubframes === 2 ? WIDE_CONTOURS_10 : WIDE_CONTOURS_20;
    const contours = perMs === 8 ? narrow : wide;
    const offsets = contours.offsets[range.symbol(contours.distribution)]!;
    for (let i = 0; i < nSubframes; i++) lags[i] = Math.min(Math.max(this.#lag + offsets[i]!, min), max);
    const filters = LONG_TERM_FILTERS[range.symbol(PERIODICITY)]!;
    for (let i = 0; i < nSubframes; i++) {
      const ofSubframe = filters.taps[range.symbol(filters.distribution)]!;
      for (let k = 0; k < N_TAPS; k++) taps[N_TAPS * i + k] = ofSubframe[k]! / 128;
    }
  }
}

function relativeGain(range: OpusRange, logGain: number): number {
  const delta = range.symbol(GAIN_DELTA);
  return Math.min(Math.max(2 * delta - 16, logGain + delta - 4, 0), 63);
}

/** 2 ** (x / 128) in the RFC's integer arithmetic, as f32. */
function linearGain(logGain: number): number {
  const log = Math.floor((logGain * 0x1d1c71) / 65536) + 2090;
  const power = 2 ** (log >> 7);
  const part = log & 127;
  const curve = ((-174 * part * (128 - part)) >> 16) + part;
  return Math.fround((power + curve * Math.floor(power / 128)) / 65536);
}
