import type { KernelContext } from '../../engine/variant.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { gemmWasm } from './gemm.wasm.ts';
import type { GemmOptions } from './gemmOptions.ts';

type Dims = 'rows' | 'k' | 'nVocab' | 'panelWidth';
type Params = 'begin' | 'count';

export const variants = gemmWasm<'x' | 'w' | 'y', Dims, Params>(
  ({ dims: d, params, capacity, dtype }: KernelContext<Dims, Params>): GemmOptions => ({
    rows: d.rows,
    capacity,
    k: d.k,
    n: params.count,
    panelWidth: d.panelWidth,
    dtype: dtype('w'),
    xStride: 4 * d.k,
    yStride: 4 * d.nVocab,
    bias: false,
    gelu: false,
    added: false,
  }),
  ({ args: { x, w, y, liveRows, scratch } }, { params: { begin } }) => ({
    x,
    w,
    y: i32.add(y, i32.const(4 * begin)),
    bias: i32.const(0),
    added: i32.const(0),
    rows: liveRows,
    scratch,
  }),
);
