/**
 * y = layerNorm(x) W^T + bias, then GELU (exact, by erf) where asked for: a norm and the product after it, of the few rows of a step.
 *
 * x: [rows, xParts, k], of which the sum over parts counts; gamma, beta: [k]; W: [n, k] in panels; y: [rows, parts, n], whose sum over
 * parts is what is said above (with GELU there is one part).
 * @see matmul.ts, layerNorm.ts: what it fuses; cut.ts: parts
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims } from '../../engine/variant.ts';
import { gelu } from '../matmul/gelu.ts';
import { panelCount } from '../matmul/panels.ts';
import { partsProblem, rowsProblem } from './cut.ts';
import { normalized } from './normalized.ts';
import { referenceParts } from './referenceParts.ts';

export const normMatmul = defineKernel({
  name: 'normMatmul',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'xWidth'] },
    gamma: { access: 'read', dtype: 'f32', dims: ['k'] },
    beta: { access: 'read', dtype: 'f32', dims: ['k'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['n'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'yWidth'] },
  },
  params: { gelu: 0 },
  check: (d, { gelu: useGelu }) =>
    rowsProblem(d) ??
    partsProblem('x', d.xWidth, d.k) ??
    partsProblem('y', d.yWidth, d.n) ??
    (useGelu && d.yWidth > d.n ? 'GELU of a part of a sum' : d.n % 4 > 0 ? `${d.n} is not a multiple of 4` : undefined),
  cost: ({ rows, n, k }) => ({ flops: 2 * rows * n * k, bytes: 4 * (rows * k + n * k + rows * n) }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).normMatmul },
});

export const reference: Reference<typeof normMatmul> = (
  { x, gamma, beta, w, bias, y },
  { xWidth, yWidth, panelWidth },
  { gelu: useGelu },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const out = y.subarray(row * yWidth, (row + 1) * yWidth);
    const inputs = normalized(x.subarray(row * xWidth, (row + 1) * xWidth), gamma, beta);
    referenceParts({ inputs, w, first: bias, y: out, panelWidth });
    if (useGelu) out.set(Array.from(out, gelu));
  }
};

function sizes(
  rows: number,
  k: number,
  n: number,
  parts: { readonly x?: number; readonly y?: number } = {},
  more?: Partial<KernelCase>,
): KernelCase {
  const widths = { xWidth: (parts.x ?? 1) * k, yWidth: (parts.y ?? 1) * n };
  return { dims: { rows, k, n, ...widths, panelWidth: 16, panels: panelCount(n, 16) }, ...more };
}

const farFromZero: Fill = (x, _d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = 30 + random();
};

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 4),
  /* @__PURE__ */ sizes(3, 37, 36, { x: 2 }, { params: { gelu: 1 } }),
  /* @__PURE__ */ sizes(2, 64, 68, { x: 3, y: 2 }, { note: 'n off the panel' }),
  /* @__PURE__ */ sizes(8, 65, 20, { y: 4 }, { liveRows: 5, note: 'k off the parts' }),
  /* @__PURE__ */ sizes(5, 384, 192, { x: 4, y: 2 }, { note: 'five beams' }),
  /* @__PURE__ */ sizes(2, 128, 64, {}, { fill: { x: farFromZero }, note: 'mean far above the deviation' }),
  /* @__PURE__ */ sizes(1, 384, 1152, { x: 4, y: 2 }, { bench: true, note: 'q, k, v of one token, tiny' }),
  /* @__PURE__ */ sizes(1, 384, 1536, { x: 4 }, { params: { gelu: 1 }, bench: true, note: 'first MLP matrix, tiny' }),
  /* @__PURE__ */ sizes(1, 1280, 5120, {}, { params: { gelu: 1 }, bench: true, benchOnly: true, note: 'large' }),
];

/**
 * As matmul's, for inputs that are up to 3 rather than 1; values near 30 have lost 2e-6 of their deviation of 0.3 before they are
 * normalized, each by itself.
 */
export const tolerance = (d: Dims): Tolerance => ({ absolute: 4e-7 * d.k! + 4e-6, relative: 4e-6 });
