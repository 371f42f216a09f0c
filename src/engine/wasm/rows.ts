/** Rows of floats as vectors: whole ones in loops, a last one of 1 to 3 lanes by itself. */

import type { Local } from './expression.ts';
import type { FunctionBuilder } from './function.ts';
import { type I32, i32 } from './scalar.ts';
import { type V128, v128 } from './simd.ts';

/** Floats a turn of the main loop: four vectors, so that sums do not wait for each other. */
const wide = 16;

/**
 * Visits `count` (a constant) floats from the addresses in `pointers`, which move along: turns of four vectors, then of
 * one. `lanes` is 4, or what is left in the last vector.
 */
export function forVectors(
  f: FunctionBuilder,
  count: number,
  pointers: readonly Local<'i32'>[],
  visit: (offset: number, slot: number, lanes: number) => void,
): void {
  const advance = (bytes: number): void => {
    for (const pointer of pointers) f.increase(pointer, bytes);
  };
  const turns = Math.floor(count / wide);
  if (turns > 0)
    f.repeat(i32.const(turns), () => {
      for (let slot = 0; slot < 4; slot++) visit(16 * slot, slot, 4);
      advance(4 * wide);
    });
  const rest = count % wide;
  for (let done = 0; done < rest; done += 4) visit(4 * done, done / 4, Math.min(4, rest - done));
}

/** The value with lanes from `lanes` on set to zero. */
export function firstLanes(f: FunctionBuilder, value: V128, lanes: number): V128 {
  if (lanes >= 4) return value;
  return v128.and(value, f.lanes(-1, lanes > 1 ? -1 : 0, lanes > 2 ? -1 : 0, 0));
}

/** The value with the first `lanes` lanes set to zero. */
export function otherLanes(f: FunctionBuilder, value: V128, lanes: number): V128 {
  return v128.andnot(value, f.lanes(-1, lanes > 1 ? -1 : 0, lanes > 2 ? -1 : 0, 0));
}

/** Copies `count` (a constant) floats. */
export function copyFloats(f: FunctionBuilder, to: I32, from: I32, count: number): void {
  const target = f.let(to);
  const source = f.let(from);
  const values = f.locals('v128', 4);
  forVectors(f, count, [target, source], (offset, slot, lanes) => {
    f.set(values[slot]!, v128.load(source, offset));
    storeVector(f, target, values[slot]!, offset, lanes);
  });
}

/** Stores the first `count` lanes (all from 4 on, none below 1). */
export function storeVector(
  f: FunctionBuilder,
  address: Local<'i32'>,
  value: Local<'v128'>,
  offset: number,
  count: number,
): void {
  if (count >= 4) f.do(v128.store(address, value, offset));
  else for (let lane = 0; lane < count; lane++) f.do(v128.store32_lane(address, value, lane, offset + 4 * lane));
}
