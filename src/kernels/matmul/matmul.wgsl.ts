import type { KernelContext } from '../../engine/variant.ts';
import { gelu } from '../../engine/wgsl/functions.ts';
import type { Gemm } from './gemm/gemm.ts';
import { gemmWgsl } from './gemm.wgsl.ts';

type Dims = 'rows' | 'k' | 'n' | 'panelWidth';

/** Arguments that `put4` touches. */
export const outputs = ['bias', 'residual', 'y'];

export function gemm({ dims, params, has }: KernelContext<Dims, 'gelu'>): Gemm {
  return {
    rows: dims.rows,
    n: dims.n,
    k: dims.k,
    panelWidth: dims.panelWidth,
    xStride: dims.k,
    put: /* wgsl */ `${params.gelu ? gelu : ''}
fn put(row: u32, j: u32, sum: f32) {
  var value = sum + bias[j];
  ${params.gelu ? 'value = gelu(value);' : ''}
  ${has('residual') ? `value += residual[row * ${dims.n}u + j];` : ''}
  y[row * ${dims.n}u + j] = value;
}`,
    put4:
      dims.n % 4 === 0
        ? /* wgsl */ `${params.gelu ? gelu : ''}
fn put4(row: u32, j: u32, sum: vec4f) {
  let at = row * ${dims.n / 4}u + j / 4u;
  var value = sum + bias[j / 4u];
  ${params.gelu ? 'value = gelu4(value);' : ''}
  ${has('residual') ? 'value += residual[at];' : ''}
  y[at] = value;
}`
        : undefined,
  };
}

export const variants = gemmWgsl(gemm, outputs);
