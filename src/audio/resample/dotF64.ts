import type { ResampleFilter } from './filter.ts';
import type { DotProduct } from './filterMachine.ts';

/** JavaScript has no fused operation, so the last bit of an f64 may differ from ffmpeg's: 16 bits do not show it. */
export function dotF64(filter: ResampleFilter): DotProduct<Float64Array<ArrayBuffer>> {
  const { bank, nTaps, stride, stepMod, stepDenominator } = filter;
  const sum = (samples: Float64Array, at: number, row: number): number => {
    let total = 0;
    for (let i = 0; i < nTaps; i++) total += samples[at + i]! * bank[row + i]!;
    return total;
  };
  return (samples, at, phase, fraction, out, n) => {
    const value = sum(samples, at, phase * stride);
    const isExact = stepMod === 0;
    out[n] = isExact ? value : value + (sum(samples, at, (phase + 1) * stride) - value) * (fraction / stepDenominator);
  };
}
