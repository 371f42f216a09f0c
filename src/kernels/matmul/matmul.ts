/**
 * y = x W^T + bias, then GELU (exact, by erf), then + residual; each of the last two optional.
 * x: [rows, k]; W: [n, k] in panels (panels.ts); residual, y: [rows, n].
 *
 * All of Whisper's projections: 1500 rows in the encoder (bound by arithmetic), a few rows in a decoding step (bound by
 * the bytes of W). Accumulated in f32. GELU: Hendrycks, Gimpel 2016, x/2 (1 + erf(x / sqrt 2)).
 */

import type { Kernel, KernelCase, KernelContext, Reference, Tolerance } from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { gelu as geluWgsl } from '../../engine/wgsl.ts';
import { type ProductOptions, product, productUnits } from './gemm.wasm.ts';
import { productVariants } from './gemm.wgsl.ts';
import { panelCount, panelIndex } from './panels.ts';

export const matmul = {
  name: 'matmul',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'k'] },
    w: { access: 'read', dtype: 'f32', dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['n'] },
    residual: { access: 'read', dtype: 'f32', dims: ['rows', 'n'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
  },
  params: { gelu: 0 },
  check: (d) =>
    d.panels === panelCount(d.n!, d.panelWidth!)
      ? undefined
      : `${d.n} outputs need ${panelCount(d.n!, d.panelWidth!)} panels of ${d.panelWidth}, there are ${d.panels}`,
  cost: (d) => ({
    flops: 2 * d.rows! * d.n! * d.k!,
    bytes: 4 * (d.rows! * d.k! + d.n! * d.k! + 2 * d.rows! * d.n!),
  }),
  gpu: productVariants((c) => ({
    rows: c.dims.rows!,
    n: c.dims.n!,
    k: c.dims.k!,
    panelWidth: c.dims.panelWidth!,
    xStride: c.dims.k!,
    put: /* wgsl */ `${c.params.gelu ? geluWgsl : ''}
fn put(row: u32, j: u32, sum: f32) {
  var value = sum + bias[j];
  ${c.params.gelu ? 'value = gelu(value);' : ''}
  ${c.has('residual') ? `value += residual[row * ${c.dims.n}u + j];` : ''}
  y[row * ${c.dims.n}u + j] = value;
}`,
  })),
  cpu: [
    {
      name: 'tiles',
      units: (c, liveRows) => productUnits(productOptions(c), liveRows),
      emit(w, c, caps): FunctionBuilder {
        const f = kernelFunction(w, matmul);
        const { x, w: weights, bias, residual, y, liveRows } = f.args;
        const args = { x, w: weights, bias, added: residual, y, rows: liveRows };
        forUnits(f, (unit) => product(w, caps, f, productOptions(c), args, unit));
        return f;
      },
    },
  ],
} as const satisfies Kernel;

function productOptions({ dims: d, params, has }: KernelContext): ProductOptions {
  return {
    capacity: d.rows!,
    k: d.k!,
    n: d.n!,
    panelWidth: d.panelWidth!,
    xStride: 4 * d.k!,
    yStride: 4 * d.n!,
    bias: true,
    gelu: params.gelu !== 0,
    added: has('residual'),
  };
}

export const reference: Reference = (
  { x, w, bias, residual, y },
  { k, n, panelWidth },
  { gelu: useGelu },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++)
    for (let j = 0; j < n!; j++) {
      let sum = bias![j]!;
      for (let i = 0; i < k!; i++) sum += x![row * k! + i]! * w![panelIndex(j, i, k!, panelWidth!)]!;
      if (useGelu) sum = gelu(sum);
      if (residual) sum += residual[row * n! + j]!;
      y![row * n! + j] = sum;
    }
};

/** x/2 erfc(-x / sqrt 2), in f64. */
export function gelu(x: number): number {
  return 0.5 * x * erfc(-x / Math.SQRT2);
}

/** Complementary error function to about 1e-15: series below 2.5, continued fraction (Lentz) above. DLMF 7.6.1, 7.9.1. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let i = 1; Math.abs(term) > 1e-17 * Math.abs(sum); i++) {
      term *= (-x * x) / i;
      sum += term / (2 * i + 1);
      if (i > 200) break;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let i = 120; i >= 1; i--) fraction = i / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

function shape(rows: number, k: number, n: number, panelWidth: number): KernelCase['dims'] {
  return { rows, k, n, panelWidth, panels: panelCount(n, panelWidth) };
}

const oneLoudRow: NonNullable<KernelCase['fill']>[string] = (x, d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = (2 * random() - 1) * (i < d.k! ? 1000 : 1);
};

/** `panelWidth` 0 in a case stands for the device's own. */
export const cases: readonly KernelCase[] = [
  { dims: shape(1, 1, 1, 16), optional: [] },
  { dims: shape(1, 3, 5, 16) },
  { dims: shape(2, 4, 16, 16), params: { gelu: 1 }, optional: [] },
  { dims: shape(3, 37, 33, 16), params: { gelu: 1 } },
  { dims: shape(5, 64, 96, 16), liveRows: 2, note: 'part of the rows live' },
  { dims: shape(5, 384, 384, 16), note: 'five beams' },
  { dims: shape(7, 64, 61, 16), optional: [], note: 'n off the panel' },
  { dims: shape(13, 65, 130, 16), note: 'rows and k off every tile' },
  { dims: shape(32, 128, 192, 16), params: { gelu: 1 }, liveRows: 27, optional: [] },
  { dims: shape(70, 96, 64, 16) },
  { dims: shape(9, 384, 64, 16), fill: { x: oneLoudRow }, optional: [], note: 'one row 1000 times as large' },
  { dims: shape(101, 384, 200, 16), params: { gelu: 1 }, optional: [] },
  { dims: shape(1, 384, 1152, 16), optional: [], bench: true, note: 'q, k, v of one token, tiny' },
  { dims: shape(1, 1536, 384, 16), bench: true, note: 'second MLP matrix, one token, tiny' },
  { dims: shape(1500, 384, 1152, 16), optional: [], bench: true, benchOnly: true, note: 'q, k, v, encoder, tiny' },
  { dims: shape(1500, 384, 1536, 16), optional: [], params: { gelu: 1 }, bench: true, benchOnly: true },
  { dims: shape(1500, 1536, 384, 16), bench: true, benchOnly: true, note: 'second MLP matrix, encoder, tiny' },
];

/** 4e-7 of the sum of |x||w| (uniform in [-1, 1): k / 4 on average), as a plain f32 sum keeps, and 1e-6 for GELU. */
export const tolerance = (d: Readonly<Record<string, number>>): Tolerance => ({
  absolute: 1e-7 * d.k! + 2e-6,
  relative: 4e-6,
});
