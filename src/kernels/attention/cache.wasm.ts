/** How WebAssembly reads and writes cached keys and values, in whichever type they are stored. */
import { type DType, storageType } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { copyFloats } from '../../engine/wasm/rows.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { type V128, v128 } from '../../engine/wasm/simd.ts';

export interface CacheAccess {
  readonly elementBytes: number;
  load4(f: FunctionBuilder, address: I32, byteOffset: number): V128;
}

export function cacheAccess(dtype: DType): CacheAccess {
  const { elementBytes, wasm } = storageType(dtype);
  if (!wasm) throw new TypeError(`${dtype} holds no keys and values`);
  return { elementBytes, load4: wasm.load4 };
}

/** Are keys and values stored alike? Their code is generated for one type. */
export function isOneType({ dtype }: Pick<KernelContext, 'dtype'>): boolean {
  return dtype('keys') === dtype('values');
}

/** Stores `count` floats (a multiple of 4) from `from` as elements of the type. */
export function storeCached(f: FunctionBuilder, dtype: DType, to: I32, from: I32, count: number): void {
  const { elementBytes, wasm } = storageType(dtype);
  if (dtype === 'f32') {
    copyFloats(f, to, from, count);
    return;
  }
  const target = f.let(to);
  const source = f.let(from);
  f.repeat(i32.const(count / 4), () => {
    wasm?.store4?.(f, target, v128.load(source), 0);
    f.increase(target, 4 * elementBytes);
    f.increase(source, 16);
  });
}
