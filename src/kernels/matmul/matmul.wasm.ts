import type { KernelContext } from '../../engine/variant.ts';
import { gemmWasm } from './gemm.wasm.ts';
import type { GemmOptions } from './gemmOptions.ts';

type Dims = 'rows' | 'k' | 'n' | 'panelWidth';

export const variants = gemmWasm<'x' | 'w' | 'bias' | 'residual' | 'y', Dims, 'gelu'>(
  ({ dims: d, params, capacity, has, dtype }: KernelContext<Dims, 'gelu'>): GemmOptions => ({
    rows: d.rows,
    capacity,
    k: d.k,
    n: d.n,
    panelWidth: d.panelWidth,
    dtype: dtype('w'),
    xStride: 4 * d.k,
    yStride: 4 * d.n,
    bias: true,
    gelu: params.gelu !== 0,
    added: has('residual'),
  }),
  ({ args: { x, w, bias, residual, y, liveRows, scratch } }) => ({
    x,
    w,
    bias,
    y,
    added: residual,
    rows: liveRows,
    scratch,
  }),
);
