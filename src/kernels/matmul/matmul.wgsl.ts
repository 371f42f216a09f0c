import { gelu } from '../../engine/wgsl/functions.ts';
import { gemmWgsl } from './gemm.wgsl.ts';

export const variants = gemmWgsl<'rows' | 'k' | 'n' | 'panelWidth', 'gelu'>(({ dims, params, has }) => ({
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
}));
