/** The function that a CPU variant emits: see `CpuVariant.emit` for its parameters. */

import type { Kernel, ModuleBuilderLike } from '../kernel.ts';
import { type Local, select } from './expression.ts';
import type { FunctionBuilder } from './function.ts';
import { type I32, i32 } from './scalar.ts';

type Fixed = 'begin' | 'end' | 'liveRows' | 'scratch';

/** @returns a function whose `args` are `begin`, `end`, `liveRows`, `scratch` and the addresses under their own names */
export function kernelFunction<K extends Kernel>(
  w: ModuleBuilderLike,
  kernel: K,
): FunctionBuilder<Record<Fixed | (keyof K['args'] & string), 'i32'>> {
  const types: Record<string, 'i32'> = { begin: 'i32', end: 'i32', liveRows: 'i32', scratch: 'i32' };
  for (const name of Object.keys(kernel.args)) types[name] = 'i32';
  // Exactly these names: the four fixed ones and the contract's.
  return w.function(kernel.name, types as Record<Fixed | (keyof K['args'] & string), 'i32'>);
}

/** base + index * bytes */
export function at(base: I32, index: I32, bytes: number): I32 {
  return i32.add(base, i32.mul(index, i32.const(bytes)));
}

/** Calls `body` for each unit of the function's share. */
export function forUnits(f: FunctionBuilder<Record<'begin' | 'end', 'i32'>>, body: (unit: Local<'i32'>) => void): void {
  const unit = f.local('i32');
  f.for(unit, f.args.begin, f.args.end, 1, () => body(unit));
}

/** The smaller of two signed numbers. */
export function least(f: FunctionBuilder, a: I32, b: I32): I32 {
  const x = f.let(a);
  const y = f.let(b);
  return select(x, y, i32.lt_s(x, y));
}
