/**
 * SILK's synthesis in WebAssembly: in plain JavaScript, where each f32 sum is rounded by an instruction of its own, it took a
 * third of Opus' time. The terms of each sum are those of silkSynthesis.ts in their order, so the results are the same bits;
 * four samples are made at a time where none depends on another.
 */
import { type Local, select } from '../../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../../engine/wasm/function.ts';
import { memory as bulk, f32, i32 } from '../../../engine/wasm/scalar.ts';
import { f32x4, type V128, v128 } from '../../../engine/wasm/simd.ts';
import { N_TAPS } from './silkFrame.ts';
import { AT } from './silkLayout.ts';
import { SILK_HISTORY } from './silkSynthesis.ts';

export const RUN_ARGUMENTS = {
  base: 'i32',
  nSubframes: 'i32',
  subframeBytes: 'i32',
  isVoiced: 'i32',
  isInterpolated: 'i32',
  longTermScale: 'f32',
} as const;
type RunFunction = FunctionBuilder<typeof RUN_ARGUMENTS>;

/** A subframe. Samples are addressed by where they would be if their array began at address 0. */
interface Subframe {
  readonly index: Local<'i32'>;
  readonly from: Local<'i32'>;
  readonly to: Local<'i32'>;
  /** Addresses of its filter and its gain. */
  readonly lpc: Local<'i32'>;
  readonly gain: Local<'i32'>;
}

/** Emits the synthesis of a frame, with filters of one order. */
export function emitRun(f: RunFunction, order: number): void {
  const { base, nSubframes, subframeBytes, isVoiced, isInterpolated } = f.args;
  const [index, lpc] = [f.local('i32'), f.local('i32')];
  const gain = f.let(base);
  const from = f.let(i32.add(base, i32.const(4 * SILK_HISTORY)));
  const to = f.local('i32');
  f.repeat(nSubframes, () => {
    f.set(to, i32.add(from, subframeBytes));
    const isBefore = i32.and(isInterpolated, i32.lt_s(index, i32.const(2)));
    f.set(lpc, i32.add(base, select(i32.const(AT.lpcBefore), i32.const(AT.lpc), isBefore)));
    const subframe = { index, from, to, lpc, gain };
    f.if(isVoiced, () => addPitch(f, order, subframe));
    predict(f, order, subframe);
    f.set(from, to);
    f.increase(index, 1);
    f.increase(gain, 4);
  });
  const bytes = i32.const(4 * SILK_HISTORY);
  for (const place of [AT.output, AT.unlimited]) {
    const start = i32.add(base, i32.const(place));
    f.do(bulk.copy(start, i32.add(i32.sub(from, bytes), i32.const(place)), bytes));
  }
}

/** Adds the prediction from a pitch period before to the residual. */
function addPitch(f: RunFunction, order: number, { index, from, to, lpc, gain }: Subframe): void {
  const { base, subframeBytes, isInterpolated, longTermScale } = f.args;
  const lag = f.let(i32.shl(i32.load(gain, AT.lags), i32.const(2)));
  // Where the filter changed, the residual before it is what the new filter would leave of the output.
  const isNew = f.let(i32.and(isInterpolated, i32.ge_s(index, i32.const(2))));
  const start = i32.add(base, i32.const(4 * SILK_HISTORY));
  const end = f.let(i32.add(start, select(i32.shl(subframeBytes, i32.const(1)), i32.const(0), isNew)));
  const scale = f.let(f32x4.splat(select(f32.const(1), longTermScale, isNew)));
  const gains = f.let(v128.load32_splat(gain, AT.gains));
  // From two samples before the period; up to three more, so that there are whole vectors.
  const length = i32.add(i32.sub(end, from), i32.add(lag, i32.const(8)));
  const at = f.let(i32.sub(end, i32.and(i32.add(length, i32.const(15)), i32.const(-16))));
  eachVector(f, at, end, () => {
    const sum = f.let(v128.load(at, AT.output));
    for (let k = 0; k < order; k++) {
      const coefficient = v128.load32_splat(lpc, 4 * k);
      f.set(sum, f32x4.sub(sum, f32x4.mul(coefficient, v128.load(at, AT.output - 4 * (k + 1)))));
    }
    f.do(v128.store(at, f32x4.div(f32x4.mul(limited(f, sum), scale), gains), AT.residual));
  });
  f.if(i32.lt_s(end, from), () => {
    const ratio = f.let(
      f32x4.splat(f32.div(f32.load(i32.sub(gain, i32.const(4)), AT.gains), f32.load(gain, AT.gains))),
    );
    f.set(at, end);
    eachVector(f, at, from, () => f.do(v128.store(at, f32x4.mul(v128.load(at, AT.residual), ratio), AT.residual)));
  });
  const taps = f.let(i32.add(base, i32.mul(index, i32.const(4 * N_TAPS))));
  f.set(at, from);
  eachVector(f, at, to, () => {
    const before = f.let(i32.sub(at, lag));
    const sum = f.let(v128.load(at, AT.residual));
    for (let k = 0; k < N_TAPS; k++) {
      const tap = v128.load32_splat(taps, AT.taps + 4 * k);
      f.set(sum, f32x4.add(sum, f32x4.mul(tap, v128.load(before, AT.residual + 4 * (2 - k)))));
    }
    f.do(v128.store(at, sum, AT.residual));
  });
}

/** Each sample: the residual times the gain, then the samples before it, the last one first. */
function predict(f: RunFunction, order: number, { from, to, lpc, gain }: Subframe): void {
  const factor = f.let(f32.load(gain, AT.gains));
  const coefficients = Array.from({ length: order }, (_, k) => f.let(f32.load(lpc, 4 * k)));
  const at = f.let(from);
  const last = f.let(f32.load(at, AT.unlimited - 4));
  f.doWhile(
    () => {
      const sum = f.let(f32.mul(f32.load(at, AT.residual), factor));
      for (const [k, coefficient] of coefficients.entries()) {
        const before = k === 0 ? last : f32.load(at, AT.unlimited - 4 * (k + 1));
        f.set(sum, f32.add(sum, f32.mul(coefficient, before)));
      }
      f.do(f32.store(at, sum, AT.unlimited));
      f.set(last, sum);
      f.increase(at, 4);
    },
    i32.lt_s(at, to),
  );
  f.set(at, from);
  eachVector(f, at, to, () => f.do(v128.store(at, limited(f, v128.load(at, AT.unlimited)), AT.output)));
}

/** Visits the vectors from `at` to `to`. */
function eachVector(f: RunFunction, at: Local<'i32'>, to: Local<'i32'>, visit: () => void): void {
  f.while(i32.lt_s(at, to), () => {
    visit();
    f.increase(at, 16);
  });
}

/** To [-1, 1]; NaN stays. */
function limited(f: RunFunction, value: V128): V128 {
  return f32x4.pmin(f32x4.pmax(value, f.splat(-1)), f.splat(1));
}
