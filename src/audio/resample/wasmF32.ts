/**
 * Filters of f32 in WebAssembly, as dotF32.ts has them. Several results at a time, which share what they read, keep the processor
 * busier than one whose sums wait for each other: from 48 kHz to 16 it takes half the time, on SILK's way to 48 kHz a third.
 */
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { first, sumOfLanes } from '../../engine/wasm/math.ts';
import { f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, i8x16, type V128, v128 } from '../../engine/wasm/simd.ts';
import { type Loop, STATE_BYTES, type WasmArithmetic } from './wasmArithmetic.ts';

export const F32: WasmArithmetic<Float32Array<ArrayBuffer>> = {
  elementBytes: 4,
  view: (buffer, byteOffset, length) => new Float32Array(buffer, byteOffset, length),
  given: (length) => new Float32Array(length),
  bank: ({ bank }) => Float32Array.from(bank),
  emit(f, { x, row, rowBytes, blocks, fraction, denominator, to }) {
    const [lanes] = products(f, [x], [row], blocks);
    f.if(denominator, () => {
      const [next] = products(f, [x], [f.let(i32.add(row, rowBytes))], blocks);
      const unit = f32.div(f32.const(1), f32.convert_i32_s(denominator));
      const share = f32x4.splat(f32.mul(f32.convert_i32_s(fraction), unit));
      f.set(lanes!, f32x4.relaxed_madd(f32x4.sub(next!, lanes!), share, lanes!));
    });
    f.do(f32.store(to, first(sumOfLanes(f, lanes!))));
  },
  emitGroups: (f, loop) => {
    fourSamples(f, loop);
    threePhases(f, loop);
  },
};

/** Where there is one filter for all results, as from 48 kHz, four of them share its coefficients. */
function fourSamples(f: FunctionBuilder, { state, at, last, to }: Loop): void {
  const { nPhases, denominator, wholeStep, blocks, samplesAt } = state;
  f.if(i32.and(i32.eq(nPhases, i32.const(1)), i32.eqz(denominator)), () => {
    const way = f.let(i32.mul(wholeStep, i32.const(3)));
    f.while(i32.le_s(i32.add(at, way), last), () => {
      const xs = [f.let(i32.add(samplesAt, i32.shl(at, i32.const(2))))];
      for (let i = 1; i < 4; i++) xs.push(f.let(i32.add(xs[i - 1]!, i32.shl(wholeStep, i32.const(2)))));
      f.do(v128.store(to, sumsOfLanes(f, products(f, xs, [f.let(i32.const(STATE_BYTES))], blocks))));
      f.increase(to, 16);
      f.increase(at, i32.add(way, wholeStep));
    });
  });
}

/** Between two samples there are three filters of 16 taps, or six, on SILK's way to 48 kHz: three share the samples. */
function threePhases(f: FunctionBuilder, { state, rowBytes, at, last, to }: Loop): void {
  const { nPhases, denominator, wholeStep, step, phase, blocks, samplesAt } = state;
  const isStepOne = i32.and(i32.eq(step, i32.const(1)), i32.eqz(i32.or(wholeStep, denominator)));
  const areThree = i32.eqz(i32.rem_u(nPhases, i32.const(3)));
  f.if(i32.and(i32.and(isStepOne, areThree), i32.eq(blocks, i32.const(2))), () =>
    f.while(i32.le_s(at, last), () => {
      const x = f.let(i32.add(samplesAt, i32.shl(at, i32.const(2))));
      const rows = [f.let(i32.add(i32.const(STATE_BYTES), i32.mul(phase, rowBytes)))];
      for (let i = 1; i < 3; i++) rows.push(f.let(i32.add(rows[i - 1]!, rowBytes)));
      const sums = f.let(sumsOfLanes(f, products(f, [x], rows, 2)));
      f.do(v128.store64_lane(to, sums, 0));
      f.do(v128.store32_lane(to, sums, 2, 8));
      f.increase(to, 12);
      f.increase(phase, 3);
      f.if(i32.eq(phase, nPhases), () => {
        f.set(phase, i32.const(0));
        f.increase(at, 1);
      });
    }),
  );
}

/**
 * Emits the sums of products of the samples from each x on with each row of coefficients, in eight lanes folded to four.
 *
 * @param blocks of eight taps; a number is emitted without a loop
 */
function products(
  f: FunctionBuilder,
  xs: readonly I32[],
  rows: readonly I32[],
  blocks: I32 | number,
): readonly Local<'v128'>[] {
  const sums = xs.map(() => rows.map(() => [f.let(f.splat(0)), f.let(f.splat(0))] as const));
  const add = (ps: readonly I32[], qs: readonly I32[], byteOffset: number): void => {
    for (const half of [0, 1] as const) {
      const taps = qs.map((q) => f.let(v128.load(q, byteOffset + 16 * half)));
      for (const [i, p] of ps.entries()) {
        const samples = f.let(v128.load(p, byteOffset + 16 * half));
        for (const [j, tap] of taps.entries()) {
          const sum = sums[i]![j]![half];
          f.set(sum, f32x4.relaxed_madd(samples, tap, sum));
        }
      }
    }
  };
  if (typeof blocks === 'number') for (let i = 0; i < blocks; i++) add(xs, rows, 32 * i);
  else {
    const [ps, qs] = [xs, rows].map((pointers) => pointers.map((pointer) => f.let(pointer)));
    f.repeat(blocks, () => {
      add(ps!, qs!, 0);
      for (const pointer of [...ps!, ...qs!]) f.increase(pointer, 32);
    });
  }
  return sums.flat().map(([low, high]) => f.let(f32x4.add(low, high)));
}

/** The sum of the lanes of each of three or four vectors, in the order of `sumOfLanes`; of three, the last lane says nothing. */
function sumsOfLanes(f: FunctionBuilder, [a, b, c, d]: readonly Local<'v128'>[]): V128 {
  const [first4, second4] = [
    [a!, b!],
    [c!, d ?? c!],
  ].map(([x, y]) => f.let(f32x4.add(fourOf(x!, y!, [0, 1, 4, 5]), fourOf(x!, y!, [2, 3, 6, 7]))));
  return f32x4.add(fourOf(first4!, second4!, [0, 2, 4, 6]), fourOf(first4!, second4!, [1, 3, 5, 7]));
}

/** Lanes of the eight of `x` and `y`. */
function fourOf(x: V128, y: V128, lanes: readonly number[]): V128 {
  return i8x16.shuffle(
    x,
    y,
    lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
  );
}
