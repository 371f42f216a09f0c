/**
 * y[t] = GELU(sum over tap, channel of x[stride t + tap, channel] W[tap, channel] + bias) + positions[t]; three taps.
 * x: [nIn, cIn], channels last, whose first and last row are zeros (the padding); W: [cOut, 3 cIn] in panels, input order
 * (tap, channel); y: [nOut, cOut], with a row of zeros before and after when `padOut` is 1.
 *
 * Rows of x overlap when read with a row stride of stride * cIn, so this is a matrix product without im2col.
 * @see openai/whisper, whisper/model.py, AudioEncoder
 */

import type {
  CpuCaps,
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { i32, memory } from '../../engine/wasm/scalar.ts';
import { forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { gelu as geluWgsl } from '../../engine/wgsl.ts';
import { type ProductOptions, product, productUnits } from './gemm.wasm.ts';
import { productVariants } from './gemm.wgsl.ts';
import { gelu } from './matmul.ts';
import { panelCount, panelIndex } from './panels.ts';

export const taps = 3;

export const conv1d = {
  name: 'conv1d',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['nIn', 'cIn'] },
    w: { access: 'read', dtype: 'f32', dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['cOut'] },
    positions: { access: 'read', dtype: 'f32', dims: ['nOut', 'cOut'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['nOut', 'cOut'] },
  },
  params: { stride: 1, padOut: 0 },
  check: (d, p) => {
    const nOut = Math.floor((d.nIn! - taps) / p.stride!) + 1 + 2 * p.padOut!;
    if (d.k !== taps * d.cIn!) return `W has ${d.k} inputs for ${taps} x ${d.cIn}`;
    if (d.nOut !== nOut) return `${d.nIn} rows in give ${nOut} rows out, not ${d.nOut}`;
    return d.panels === panelCount(d.cOut!, d.panelWidth!)
      ? undefined
      : `${d.cOut} outputs do not fill ${d.panels} panels`;
  },
  cost: (d) => ({
    flops: 2 * d.nOut! * d.cOut! * d.k!,
    bytes: 4 * (d.nIn! * d.cIn! + d.cOut! * d.k! + d.nOut! * d.cOut!),
  }),
  gpu: productVariants(({ dims: { nOut, cIn, cOut, k, panelWidth }, params: { stride, padOut }, has }) => ({
    rows: nOut! - 2 * padOut!,
    n: cOut!,
    k: k!,
    panelWidth: panelWidth!,
    xStride: stride! * cIn!,
    put: /* wgsl */ `${geluWgsl}
fn put(t: u32, j: u32, sum: f32) {
  let at = (t + ${padOut}u) * ${cOut}u + j;
  y[at] = gelu(sum + bias[j])${has('positions') ? ' + positions[at]' : ''};
  ${padOut ? `if (t == 0u) { y[j] = 0f; }\n  if (t == ${nOut! - 3}u) { y[at + ${cOut}u] = 0f; }` : ''}
}`,
  })),
  cpu: [
    {
      // A product over rows of x that overlap; the last unit writes the rows of zeros.
      name: 'tiles',
      units: (c) => productUnits(productOptions(c), rowsInside(c)) + c.params.padOut!,
      emit: emitProduct,
    },
  ],
} as const satisfies Kernel;

function rowsInside({ dims, params }: KernelContext): number {
  return dims.nOut! - 2 * params.padOut!;
}

function productOptions(c: KernelContext): ProductOptions {
  const { cIn, cOut, k, panelWidth } = c.dims;
  return {
    capacity: rowsInside(c),
    k: k!,
    n: cOut!,
    panelWidth: panelWidth!,
    xStride: 4 * c.params.stride! * cIn!,
    yStride: 4 * cOut!,
    bias: true,
    gelu: true,
    added: c.has('positions'),
  };
}

function emitProduct(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const f = kernelFunction(w, conv1d);
  const { x, w: weights, bias, positions, y } = f.args;
  const o = productOptions(c);
  const rows = rowsInside(c);
  const padding = i32.const(c.params.padOut! * o.yStride);
  const args = {
    x,
    w: weights,
    bias,
    y: i32.add(y, padding),
    added: i32.add(positions, padding),
    rows: i32.const(rows),
  };
  forUnits(f, (unit) => {
    const inside = (): void => product(w, caps, f, o, args, unit);
    if (c.params.padOut === 0) inside();
    else
      f.if(i32.lt_s(unit, i32.const(productUnits(o, rows))), inside, () => {
        const last = i32.add(y, i32.const((rows + 1) * o.yStride));
        for (const row of [y, last]) f.do(memory.fill(row, i32.const(0), i32.const(o.yStride)));
      });
  });
  return f;
}

export const reference: Reference = (
  { x, w, bias, positions, y },
  { cIn, cOut, k, nOut, panelWidth },
  { stride, padOut },
) => {
  for (let row = 0; row < nOut!; row++) {
    const t = row - padOut!;
    const isPadding = padOut === 1 && (row === 0 || row === nOut! - 1);
    for (let j = 0; j < cOut!; j++) {
      let sum = bias![j]!;
      if (!isPadding)
        for (let i = 0; i < k!; i++) sum += x![t * stride! * cIn! + i]! * w![panelIndex(j, i, k!, panelWidth!)]!;
      y![row * cOut! + j] = isPadding ? 0 : gelu(sum) + (positions ? positions[row * cOut! + j]! : 0);
    }
  }
};

function sizes(nIn: number, cIn: number, cOut: number, stride: number, padOut: number, more?: object): KernelCase {
  const nOut = Math.floor((nIn - taps) / stride) + 1 + 2 * padOut;
  return {
    dims: { nIn, cIn, k: taps * cIn, cOut, nOut, panelWidth: 16, panels: panelCount(cOut, 16) },
    params: { stride, padOut },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  sizes(3, 1, 1, 1, 0),
  sizes(5, 3, 7, 1, 1, { optional: [] }),
  sizes(12, 8, 20, 2, 0),
  sizes(13, 8, 20, 2, 1, { optional: [], note: 'an odd row is left over' }),
  sizes(102, 80, 48, 1, 1, { optional: [] }),
  sizes(52, 48, 64, 2, 0),
  sizes(3002, 80, 384, 1, 1, { optional: [], bench: true, benchOnly: true, note: 'first convolution, tiny' }),
  sizes(3002, 384, 384, 2, 0, { bench: true, benchOnly: true, note: 'second convolution, tiny' }),
];

export const tolerance = (d: Readonly<Record<string, number>>): Tolerance => ({
  absolute: 1e-7 * d.k! + 2e-6,
  relative: 4e-6,
});
