import type { ResampleFilter } from './filter.ts';
import type { DotProduct } from './filterMachine.ts';
import { clampInt16, roundHalfEven } from './rounding.ts';

/** The filters' coefficients in 16 bits; shape as `bank`. */
export function fixedBank({ bank }: ResampleFilter): Int16Array<ArrayBuffer> {
  return Int16Array.from(bank, (v) => clampInt16(roundHalfEven(Math.fround(v * 32768))));
}

/** 32-bit sums of 16-bit products (modulo 2^32, as pmaddwd and paddd), rounded half up to 15 bits less. */
export function dotS16(filter: ResampleFilter): DotProduct<Int16Array<ArrayBuffer>> {
  const { nTaps, stride, stepMod, stepDenominator } = filter;
  const bank = fixedBank(filter);
  const sum = (samples: Int16Array, at: number, row: number): number => {
    let total = 0x4000;
    for (let i = 0; i < nTaps; i++) total = (total + samples[at + i]! * bank[row + i]!) | 0;
    return total;
  };
  return (samples, at, phase, fraction, out, n) => {
    let total = sum(samples, at, phase * stride);
    if (stepMod !== 0) {
      const next = sum(samples, at, (phase + 1) * stride);
      total = (total + Math.trunc((((next - total) | 0) * fraction) / stepDenominator)) | 0;
    }
    out[n] = clampInt16(total >> 15);
  };
}
