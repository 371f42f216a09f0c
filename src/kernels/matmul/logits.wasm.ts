import type { KernelContext } from '../../engine/variant.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import type { KernelFunction } from '../../engine/wasm/variant.ts';
import { gemmWasm } from './gemm.wasm.ts';
import type { GemmArgs, GemmOptions } from './gemmOptions.ts';

type Dims = 'rows' | 'k' | 'nVocab' | 'panelWidth';
type Params = 'begin' | 'count';

type Arg = 'x' | 'w' | 'y';
type Context = KernelContext<Dims, Params>;

export function options({ dims: d, params, sumsAs, dtype }: Context): GemmOptions {
  return {
    rows: d.rows,
    sumsAs,
    k: d.k,
    n: params.count,
    panelWidth: d.panelWidth,
    dtype: dtype('w'),
    xStride: 4 * d.k,
    yStride: 4 * d.nVocab,
    bias: false,
    gelu: false,
    added: false,
  };
}

export function args(
  { args: { x, w, y, liveRows, scratch } }: KernelFunction<Arg>,
  { params: { begin } }: Context,
): GemmArgs {
  return {
    x,
    w,
    y: i32.add(y, i32.const(4 * begin)),
    bias: i32.const(0),
    added: i32.const(0),
    rows: liveRows,
    scratch,
  };
}

export const variants = gemmWasm<Arg, Dims, Params>(options, args);
