/** One SILK frame of one channel, as the synthesis needs it. */

/** Subframes, coefficients, samples and taps there may be. */
export const MAX_SUBFRAMES = 4;
export const MAX_ORDER = 16;
export const MAX_FRAME = 320;
export const N_TAPS = 5;

/** Values of f32: plain JavaScript keeps them in f64, which needs no conversion where they are used. */
export type F32Values = Float32Array | Float64Array;

/** What the synthesis needs: its arrays, and what the reader fills in. */
export interface SilkFrame {
  nSamples: number;
  nSubframes: 2 | 4;
  /** Of the filters. */
  order: 10 | 16;
  isVoiced: boolean;
  /** Scale of the long-term prediction from samples before this frame. */
  longTermScale: number;
  /** Whether the first two subframes have a filter of their own. */
  isInterpolated: boolean;
  /** Shape [320], the first `nSamples` of this frame; lost in the synthesis. */
  readonly excitation: F32Values;
  /** Shape [4]. */
  readonly gains: F32Values;
  /** Shape [16]. */
  readonly lpc: F32Values;
  /** That of the first two subframes, if `isInterpolated`; shape [16]. */
  readonly lpcBefore: F32Values;
  /** Pitch periods in samples, in voiced frames; shape [4]. */
  readonly lags: Int32Array;
  /** Filter taps around them; shape [4, 5]. */
  readonly taps: F32Values;
}

type FrameArrays = Pick<SilkFrame, 'excitation' | 'gains' | 'lpc' | 'lpcBefore' | 'lags' | 'taps'>;

/** A frame that nothing is in yet. */
export function emptyFrame(arrays: FrameArrays): SilkFrame {
  const head = { nSamples: 0, nSubframes: 4, order: MAX_ORDER, isVoiced: false } as const;
  return { ...head, longTermScale: 0, isInterpolated: false, ...arrays };
}
