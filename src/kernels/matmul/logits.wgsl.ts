import { gemmWgsl } from './gemm.wgsl.ts';

export const variants = gemmWgsl<'rows' | 'k' | 'nVocab' | 'panelWidth', 'begin' | 'count'>(
  ({ dims, params: { begin, count } }) => ({
    rows: dims.rows,
    n: count,
    k: dims.k,
    panelWidth: dims.panelWidth,
    xStride: dims.k,
    put: /* wgsl */ `
fn put(row: u32, j: u32, sum: f32) { y[row * ${dims.nVocab}u + ${begin}u + j] = sum; }`,
  }),
);
