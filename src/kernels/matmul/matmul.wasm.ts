import type { KernelContext } from '../../engine/variant.ts';
import type { KernelFunction } from '../../engine/wasm/variant.ts';
import { gemmWasm } from './gemm.wasm.ts';
import type { GemmArgs, GemmOptions } from './gemmOptions.ts';

type Dims = 'rows' | 'k' | 'n' | 'panelWidth';

type Arg = 'x' | 'w' | 'bias' | 'residual' | 'y';
type Context = KernelContext<Dims, 'gelu'>;

export function options({ dims: d, params, sumsAs, has, dtype }: Context): GemmOptions {
  return {
    rows: d.rows,
    sumsAs,
    k: d.k,
    n: d.n,
    panelWidth: d.panelWidth,
    dtype: dtype('w'),
    xStride: 4 * d.k,
    yStride: 4 * d.n,
    bias: true,
    gelu: params.gelu !== 0,
    added: has('residual'),
  };
}

export function args({ args: { x, w, bias, residual, y, liveRows, scratch } }: KernelFunction<Arg>): GemmArgs {
  return {
    x,
    w,
    bias,
    y,
    added: residual,
    rows: liveRows,
    scratch,
  };
}

export const variants = gemmWasm<Arg, Dims, 'gelu'>(options, args);
