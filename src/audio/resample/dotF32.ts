import type { DotProduct } from './channelResampler.ts';
import type { ResampleFilter } from './filter.ts';

/**
 * The dot product in f32, with the rounding of ffmpeg's assembler on any x86 of the last ten years: eight lanes of fused
 * multiply-add, then ((0+4)+(2+6)) + ((1+5)+(3+7)). A product of two f32 is exact in f64, so one rounding of the f64 sum
 * is the fused operation (except for a double rounding once in 2^29).
 */
export function dotF32(filter: ResampleFilter): DotProduct<Float32Array<ArrayBuffer>> {
  const { stride, stepMod, stepDenominator } = filter;
  const bank = Float32Array.from(filter.bank);
  const { fround } = Math;
  const lanes = new Float32Array(4);
  const sumLanes = (x: Float32Array, at: number, row: number): void => {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < stride; i += 8) {
      const xi = at + i;
      const bi = row + i;
      a0 = fround(a0 + x[xi]! * bank[bi]!);
      a1 = fround(a1 + x[xi + 1]! * bank[bi + 1]!);
      a2 = fround(a2 + x[xi + 2]! * bank[bi + 2]!);
      a3 = fround(a3 + x[xi + 3]! * bank[bi + 3]!);
      a4 = fround(a4 + x[xi + 4]! * bank[bi + 4]!);
      a5 = fround(a5 + x[xi + 5]! * bank[bi + 5]!);
      a6 = fround(a6 + x[xi + 6]! * bank[bi + 6]!);
      a7 = fround(a7 + x[xi + 7]! * bank[bi + 7]!);
    }
    lanes[0] = a0 + a4;
    lanes[1] = a1 + a5;
    lanes[2] = a2 + a6;
    lanes[3] = a3 + a7;
  };
  const total = (): number => fround(fround(lanes[0]! + lanes[2]!) + fround(lanes[1]! + lanes[3]!));
  const unit = fround(1 / stepDenominator);
  const first = new Float32Array(4);
  return (samples, at, phase, fraction) => {
    sumLanes(samples, at, phase * stride);
    if (stepMod === 0) return total();
    first.set(lanes);
    sumLanes(samples, at, (phase + 1) * stride);
    const share = fround(fraction * unit);
    for (let i = 0; i < 4; i++) lanes[i] = first[i]! + fround(lanes[i]! - first[i]!) * share;
    return total();
  };
}
