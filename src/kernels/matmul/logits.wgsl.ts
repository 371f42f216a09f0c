import type { KernelContext } from '../../engine/variant.ts';
import type { Gemm } from './gemm/gemm.ts';
import { gemmWgsl } from './gemm.wgsl.ts';

type Dims = 'rows' | 'k' | 'nVocab' | 'panelWidth';

export function gemm({ dims, params: { begin, count } }: KernelContext<Dims, 'begin' | 'count'>): Gemm {
  return {
    rows: dims.rows,
    n: count,
    k: dims.k,
    panelWidth: dims.panelWidth,
    xStride: dims.k,
    put: /* wgsl */ `
fn put(row: u32, j: u32, sum: f32) { y[row * ${dims.nVocab}u + ${begin}u + j] = sum; }`,
  };
}

export const variants = gemmWgsl(gemm);
