import type { ResampleFilter } from './filter.ts';
import type { DotProduct } from './filterMachine.ts';

/**
 * The dot product in f32, with the rounding of ffmpeg's assembler on any x86 of the last ten years: eight lanes of fused
 * multiply-add, then ((0+4)+(2+6)) + ((1+5)+(3+7)). A product of two f32 is exact in f64, so one rounding of the f64 sum
 * is the fused operation (except for a double rounding once in 2^29).
 *
 * @returns takes f32 values in an array of f64: they need no conversion then, which took a third of the time
 */
export function dotF32(filter: ResampleFilter): DotProduct<Float32Array<ArrayBuffer>, Float64Array<ArrayBuffer>> {
  const { stride, stepMod, stepDenominator } = filter;
  const bank = filter.bank.map(Math.fround);
  const lanes = new Float32Array(4);
  const unit = Math.fround(1 / stepDenominator);
  const first = new Float32Array(4);
  if (stepMod === 0 && stride === 16)
    return (samples, at, phase, _fraction, out, n) => dot16(samples, at, bank, 16 * phase, out, n);
  return (samples, at, phase, fraction, out, n) => {
    sumLanes(samples, at, bank, phase * stride, stride, lanes);
    if (stepMod === 0) {
      out[n] = total(lanes);
      return;
    }
    first.set(lanes);
    sumLanes(samples, at, bank, (phase + 1) * stride, stride, lanes);
    const share = Math.fround(fraction * unit);
    for (let i = 0; i < 4; i++) lanes[i] = first[i]! + Math.fround(lanes[i]! - first[i]!) * share;
    out[n] = total(lanes);
  };
}

/**
 * Eight lanes over `stride` taps, folded to four. No part of a filter is bound to this function: V8 compiles it once for
 * all filters (as a closure it was four times slower from the second filter on).
 */
function sumLanes(
  x: Float64Array,
  at: number,
  bank: Float64Array,
  row: number,
  stride: number,
  lanes: Float32Array,
): void {
  const { fround } = Math;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let a4 = 0;
  let a5 = 0;
  let a6 = 0;
  let a7 = 0;
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
}

/** The same for 16 taps, which SILK is resampled with: half of the time went into the loop and the lanes. */
function dot16(x: Float64Array, at: number, b: Float64Array, row: number, out: Float32Array, n: number): void {
  const { fround } = Math;
  const a0 = fround(fround(x[at]! * b[row]!) + x[at + 8]! * b[row + 8]!);
  const a1 = fround(fround(x[at + 1]! * b[row + 1]!) + x[at + 9]! * b[row + 9]!);
  const a2 = fround(fround(x[at + 2]! * b[row + 2]!) + x[at + 10]! * b[row + 10]!);
  const a3 = fround(fround(x[at + 3]! * b[row + 3]!) + x[at + 11]! * b[row + 11]!);
  const a4 = fround(fround(x[at + 4]! * b[row + 4]!) + x[at + 12]! * b[row + 12]!);
  const a5 = fround(fround(x[at + 5]! * b[row + 5]!) + x[at + 13]! * b[row + 13]!);
  const a6 = fround(fround(x[at + 6]! * b[row + 6]!) + x[at + 14]! * b[row + 14]!);
  const a7 = fround(fround(x[at + 7]! * b[row + 7]!) + x[at + 15]! * b[row + 15]!);
  const even = fround(fround(a0 + a4) + fround(a2 + a6));
  out[n] = even + fround(fround(a1 + a5) + fround(a3 + a7));
}

function total(lanes: Float32Array): number {
  const { fround } = Math;
  return fround(fround(lanes[0]! + lanes[2]!) + fround(lanes[1]! + lanes[3]!));
}
