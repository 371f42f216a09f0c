/**
 * One SILK frame of one channel, from its bits to what the synthesis needs.
 *
 * @see RFC 6716, sections 4.2.7.3 to 4.2.7.8
 */
import type { SilkRate } from './opusPacket.ts';
import type { OpusRange } from './opusRange.ts';
import { decodeExcitation } from './silkExcitation.ts';
import { lpcOfLsf } from './silkLpc.ts';
import { decodeLsf } from './silkLsf.ts';
import { LSF_INTERPOLATION, type LsfTables, NARROW_LSF, WIDE_LSF } from './silkLsfTables.ts';
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

/** 20 ms or 10 ms of sound. */
export interface SilkFrame {
  readonly excitation: Float32Array<ArrayBuffer>;
  readonly subframes: readonly SilkSubframe[];
  readonly isVoiced: boolean;
  /** Scale of the long-term prediction from samples before this frame. */
  readonly longTermScale: number;
  /** Whether the first two subframes have a filter of their own. */
  readonly isInterpolated: boolean;
}

export interface SilkSubframe {
  readonly gain: number;
  /** Shape [order]. */
  readonly lpc: Float32Array;
  /** Pitch period in samples; 0 in unvoiced frames. */
  readonly lag: number;
  /** Five filter taps around it. */
  readonly taps: readonly number[];
}

/** State that a frame takes over from those before it. */
export interface SilkMemory {
  /** Whether a frame was decoded since the last reset. */
  isCoded: boolean;
  wasVoiced: boolean;
  logGain: number;
  lag: number;
  /** Shape [16]; a frame of order 10 leaves the last six as they were. */
  readonly frequencies: Int16Array;
  readonly lpc: Float32Array;
}

export interface SilkFrameHead {
  readonly rate: SilkRate;
  readonly nSubframes: 2 | 4;
  /** Position in the packet: the first frame is coded independently of those before it. */
  readonly index: number;
  readonly isActive: boolean;
}

/** Updates `memory`, except for `wasVoiced` and `isCoded`, which the caller sets when it also synthesizes the frame. */
export function decodeSilkFrame(range: OpusRange, head: SilkFrameHead, memory: SilkMemory): SilkFrame {
  const { rate, nSubframes, index, isActive } = head;
  const type = range.symbol(isActive ? ACTIVE_FRAME_TYPE : INACTIVE_FRAME_TYPE);
  const isVoiced = isActive && type >= 2;
  const signal = isVoiced ? 2 : isActive ? 1 : 0;
  const gains = Array.from({ length: nSubframes }, (_, i) => {
    const isAbsolute = i === 0 && (index === 0 || !memory.isCoded);
    memory.logGain = isAbsolute ? absoluteGain(range, signal, memory) : relativeGain(range, memory);
    return linearGain(memory.logGain);
  });
  const tables = rate === 16000 ? WIDE_LSF : NARROW_LSF;
  const { lpc, lpcBefore } = decodeFilters(range, tables, isVoiced, nSubframes, memory);
  const lags = isVoiced ? decodeLags(range, head, memory) : [];
  const filters = isVoiced ? LONG_TERM_FILTERS[range.symbol(PERIODICITY)]! : undefined;
  const taps = lags.map(() => (filters ? filters.taps[range.symbol(filters.distribution)]!.map((v) => v / 128) : []));
  const scale =
    isVoiced && index === 0 ? LONG_TERM_SCALE_VALUES[range.symbol(LONG_TERM_SCALE)]! : LONG_TERM_SCALE_VALUES[0]!;
  const nSamples = (rate / 200) * nSubframes;
  return {
    excitation: decodeExcitation(range, nSamples, signal, (type & 1) as 0 | 1), // a masked bit
    subframes: gains.map((gain, i) => ({
      gain,
      lpc: i < 2 && lpcBefore ? lpcBefore : lpc,
      lag: lags[i] ?? 0,
      taps: taps[i] ?? [],
    })),
    isVoiced,
    longTermScale: scale / 16384,
    isInterpolated: lpcBefore !== undefined,
  };
}

function absoluteGain(range: OpusRange, signal: 0 | 1 | 2, { isCoded, logGain }: SilkMemory): number {
  const gain = 8 * range.symbol(GAIN_HIGH[signal]) + range.symbol(UNIFORM_8);
  return isCoded ? Math.max(gain, logGain - 16) : gain;
}

function relativeGain(range: OpusRange, { logGain }: SilkMemory): number {
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

function decodeFilters(
  range: OpusRange,
  tables: LsfTables,
  isVoiced: boolean,
  nSubframes: 2 | 4,
  memory: SilkMemory,
): { readonly lpc: Float32Array; readonly lpcBefore: Float32Array | undefined } {
  const frequencies = decodeLsf(range, tables, isVoiced);
  const share = nSubframes === 4 ? range.symbol(LSF_INTERPOLATION) : 4;
  const isInterpolated = share !== 4 && memory.isCoded;
  const lpcBefore = !isInterpolated
    ? undefined
    : share === 0
      ? memory.lpc.slice(0, tables.order)
      : lpcOfLsf(
          frequencies.map((v, i) => memory.frequencies[i]! + (((v - memory.frequencies[i]!) * share) >> 2)),
          tables,
        );
  const lpc = lpcOfLsf(frequencies, tables);
  memory.frequencies.set(frequencies);
  memory.lpc.set(lpc);
  return { lpc, lpcBefore };
}

/** Pitch periods in samples; shape [nSubframes]. */
function decodeLags(range: OpusRange, { rate, nSubframes, index }: SilkFrameHead, memory: SilkMemory): number[] {
  const perMs = rate / 1000;
  const [min, max] = [2 * perMs, 18 * perMs];
  const delta = index > 0 && memory.wasVoiced ? range.symbol(PITCH_DELTA) : 0;
  if (delta > 0) {
    memory.lag += delta - 9;
  } else {
    const low = perMs === 8 ? UNIFORM_4 : perMs === 12 ? UNIFORM_6 : UNIFORM_8;
    const high = range.symbol(PITCH_HIGH);
    memory.lag = min + (high * perMs) / 2 + range.symbol(low);
  }
  const narrow = nSubframes === 2 ? NARROW_CONTOURS_10 : NARROW_CONTOURS_20;
  const wide = nSubframes === 2 ? WIDE_CONTOURS_10 : WIDE_CONTOURS_20;
  const contours = perMs === 8 ? narrow : wide;
  const offsets = contours.offsets[range.symbol(contours.distribution)]!;
  return offsets.map((offset) => Math.min(Math.max(memory.lag + offset, min), max));
}
