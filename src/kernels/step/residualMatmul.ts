/**
 * y = x W^T + bias, + residual where given, of the rows of a step. x: [rows, k]; W: [n, k] in panels; residual: [rows, residualParts, n]
 * and y: [rows, parts, n], of both of which the sum over parts counts.
 * @see matmul.ts: the same without parts
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims } from '../../engine/variant.ts';
import { panelCount } from '../matmul/panels.ts';
import { partsProblem, tilesProblem } from './cut.ts';
import { summed } from './normalized.ts';
import { referenceParts } from './referenceParts.ts';

export const residualMatmul = defineKernel({
  name: 'residualMatmul',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'k'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['n'] },
    residual: { access: 'read', dtype: 'f32', dims: ['rows', 'residualWidth'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'yWidth'] },
  },
  params: {},
  check: (d) =>
    tilesProblem(d) ??
    partsProblem('residual', d.residualWidth ?? d.n, d.n) ??
    partsProblem('y', d.yWidth, d.n) ??
    (d.n % 4 > 0 ? `${d.n} is not a multiple of 4` : undefined),
  cost: ({ rows, n, k }) => ({ flops: 2 * rows * n * k, bytes: 4 * (rows * k + n * k + 2 * rows * n) }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).residualMatmul },
});

export const reference: Reference<typeof residualMatmul> = (
  { x, w, bias, residual, y },
  { k, n, panelWidth, residualWidth, yWidth },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++)
    referenceParts({
      inputs: x.subarray(row * k, (row + 1) * k),
      w,
      first: summed(residual?.subarray(row * residualWidth, (row + 1) * residualWidth) ?? [], n).map(
        (r, j) => r + bias[j]!,
      ),
      y: y.subarray(row * yWidth, (row + 1) * yWidth),
      panelWidth,
    });
};

function sizes(
  rows: number,
  k: number,
  n: number,
  parts: { readonly residual?: number; readonly y?: number } = {},
  more?: Partial<KernelCase>,
): KernelCase {
  const widths = { residualWidth: (parts.residual ?? 1) * n, yWidth: (parts.y ?? 1) * n };
  return { dims: { rows, k, n, ...widths, panelWidth: 16, panels: panelCount(n, 16) }, ...more };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 4),
  /* @__PURE__ */ sizes(3, 37, 36, { residual: 2 }),
  /* @__PURE__ */ sizes(8, 130, 20, { y: 4 }, { liveRows: 5, note: 'k off the parts' }),
  /* @__PURE__ */ sizes(5, 768, 192, { residual: 4, y: 4 }, { note: 'five beams' }),
  /* @__PURE__ */ sizes(2, 24, 40, { y: 2 }, { optional: [], note: 'no residual' }),
  /* @__PURE__ */ sizes(9, 48, 68, { residual: 4, y: 4 }, { note: 'a row more than few' }),
  /* @__PURE__ */ sizes(
    16,
    640,
    388,
    { residual: 2, y: 2 },
    { liveRows: 11, optional: [], note: 'a batch of windows' },
  ),
  /* @__PURE__ */ sizes(30, 48, 68, { residual: 2, y: 2 }, { note: 'beams of six windows' }),
  /* @__PURE__ */ sizes(70, 40, 36, { y: 2 }, { liveRows: 66, note: 'more rows than a tile' }),
  /* @__PURE__ */ sizes(16, 20, 36, { residual: 3 }, { liveRows: 5, note: 'few of many rows' }),
  /* @__PURE__ */ sizes(
    1,
    1536,
    384,
    { residual: 4, y: 4 },
    { bench: true, note: 'second MLP matrix, one token, tiny' },
  ),
  /* @__PURE__ */ sizes(
    1,
    5120,
    1280,
    { residual: 2, y: 2 },
    { bench: true, benchOnly: true, note: 'second MLP matrix, large' },
  ),
];

/** As matmul's, of which the residual is up to 4 here. */
export const tolerance = (d: Dims): Tolerance => ({ absolute: 1e-7 * d.k! + 2e-6, relative: 4e-6 });
