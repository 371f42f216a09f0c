import type { KernelContext } from '../../engine/variant.ts';
import { gelu } from '../../engine/wgsl/functions.ts';
import type { Gemm } from './gemm/gemm.ts';
import { gemmWgsl } from './gemm.wgsl.ts';

type Dims = 'nOut' | 'cIn' | 'cOut' | 'k' | 'panelWidth';

/** Arguments that `put4` touches. */
export const outputs = ['bias', 'positions', 'y'];

export function gemm({ dims, params: { stride, padOut }, has }: KernelContext<Dims, 'stride' | 'padOut'>): Gemm {
  const { nOut, cIn, cOut, k, panelWidth } = dims;
  return {
    rows: nOut - 2 * padOut,
    n: cOut,
    k,
    panelWidth,
    xStride: stride * cIn,
    put: /* wgsl */ `${gelu}
fn put(t: u32, j: u32, sum: f32) {
  let at = (t + ${padOut}u) * ${cOut}u + j;
  y[at] = gelu(sum + bias[j])${has('positions') ? ' + positions[at]' : ''};
  ${padOut ? `if (t == 0u) { y[j] = 0f; }\n  if (t == ${nOut - 3}u) { y[at + ${cOut}u] = 0f; }` : ''}
}`,
    put4:
      cOut % 4 === 0
        ? /* wgsl */ `${gelu}
fn put4(t: u32, j: u32, sum: vec4f) {
  let at = (t + ${padOut}u) * ${cOut / 4}u + j / 4u;
  y[at] = gelu4(sum + bias[j / 4u])${has('positions') ? ' + positions[at]' : ''};
  ${padOut ? `if (t == 0u) { y[j / 4u] = vec4f(); }\n  if (t == ${nOut - 3}u) { y[at + ${cOut / 4}u] = vec4f(); }` : ''}
}`
        : undefined,
  };
}

export const variants = gemmWgsl(gemm, outputs);
