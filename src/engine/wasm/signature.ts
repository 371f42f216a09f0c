/** Statements that the functions of kernels share. */
import { type Local, select } from './expression.ts';
import type { FunctionBuilder } from './function.ts';
import { type I32, i32 } from './scalar.ts';

/** base + index * bytes */
export function at(base: I32, index: I32, bytes: number): I32 {
  return i32.add(base, i32.mul(index, i32.const(bytes)));
}

/** Calls `body` for each work item of the function's share. */
export function forWorkItems(
  f: FunctionBuilder<Record<'begin' | 'end', 'i32'>>,
  body: (item: Local<'i32'>) => void,
): void {
  const item = f.local('i32');
  f.for(item, f.args.begin, f.args.end, 1, () => body(item));
}

/** The smaller of two signed numbers. */
export function min(f: FunctionBuilder, a: I32, b: I32): I32 {
  const x = f.let(a);
  const y = f.let(b);
  return select(x, y, i32.lt_s(x, y));
}

/** The larger of two signed numbers. */
export function max(f: FunctionBuilder, a: I32, b: I32): I32 {
  const x = f.let(a);
  const y = f.let(b);
  return select(x, y, i32.gt_s(x, y));
}
