/**
 * y = attended W^T + bias + residual, of the rows of a step, where `attended` is merged from the splits of an attention.
 * partial: [rows, nHead, splits, headDim + 4], partial.ts; W: [n, k] in panels, k = nHead headDim; residual: [rows, residualParts, n]
 * and y: [rows, parts, n], of both of which the sum over parts counts.
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims, Params } from '../../engine/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { panelCount } from '../matmul/panels.ts';
import { partsProblem, tilesProblem } from './cut.ts';
import { summed } from './normalized.ts';
import { partialWidth, splitCount } from './partial.ts';
import { referenceParts } from './referenceParts.ts';

export const mergeMatmul = defineKernel({
  name: 'mergeMatmul',
  args: {
    partial: { access: 'read', dtype: 'f32', dims: ['rows', 'partialWidth'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['n'] },
    residual: { access: 'read', dtype: 'f32', dims: ['rows', 'residualWidth'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'yWidth'] },
  },
  params: { nHead: 1 },
  check: (d, { nHead }) =>
    tilesProblem(d) ??
    partsProblem('partial', d.partialWidth, partialWidth(d.k, nHead, 1)) ??
    partsProblem('residual', d.residualWidth, d.n) ??
    partsProblem('y', d.yWidth, d.n) ??
    (d.n % 4 > 0 ? `${d.n} is not a multiple of 4` : undefined),
  cost: ({ rows, n, k, partialWidth: width }) => ({
    flops: 2 * rows * (n * k + width),
    bytes: 4 * (rows * width + n * k + 2 * rows * n),
  }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).mergeMatmul },
});

export const reference: Reference<typeof mergeMatmul> = (
  { partial, w, bias, residual, y },
  { k, n, panelWidth, partialWidth: width, residualWidth, yWidth },
  { nHead },
  liveRows,
) => {
  const headDim = k / nHead;
  const splits = splitCount(width, k, nHead);
  for (let row = 0; row < liveRows; row++) {
    const at = (head: number, split: number, i: number): number =>
      partial[row * width + (head * splits + split) * (headDim + 4) + i]!;
    const inputs = Float64Array.from({ length: k }, (_, c) => {
      const [head, i] = [Math.floor(c / headDim), c % headDim];
      const top = Math.max(...Array.from({ length: splits }, (_, s) => at(head, s, headDim)));
      let [value, all] = [0, 0];
      for (let s = 0; s < splits; s++) {
        const share = Math.exp(at(head, s, headDim) - top);
        value += share * at(head, s, i);
        all += share * at(head, s, headDim + 1);
      }
      return value / all;
    });
    referenceParts({
      inputs,
      w,
      first: summed(residual.subarray(row * residualWidth, (row + 1) * residualWidth), n).map((r, j) => r + bias[j]!),
      y: y.subarray(row * yWidth, (row + 1) * yWidth),
      panelWidth,
    });
  }
};

/** Sums of a few weights, of which the largest is 1; the last split of odd heads has no keys. */
function splitSums(nHead: number): Fill {
  return (partial, d, random) => {
    const headDim = d.k! / nHead;
    const width = headDim + 4;
    const splits = splitCount(d.partialWidth!, d.k!, nHead);
    for (let at = 0; at < partial.length; at += width) {
      const place = at / width;
      const isEmpty = place % splits === splits - 1 && splits > 1 && Math.floor(place / splits) % 2 === 1;
      for (let i = 0; i < headDim; i++) partial[at + i] = isEmpty ? 0 : 2 * random() - 1;
      partial.set([isEmpty ? MASKED : 4 * random(), isEmpty ? 0 : 1 + random(), 0, 0], at + headDim);
    }
  };
}

function sizes(
  rows: number,
  nHead: number,
  headDim: number,
  splits: number,
  n: number,
  parts: { readonly residual?: number; readonly y?: number } = {},
  more?: Partial<KernelCase>,
): KernelCase {
  const k = nHead * headDim;
  const widths = {
    partialWidth: partialWidth(k, nHead, splits),
    residualWidth: (parts.residual ?? 1) * n,
    yWidth: (parts.y ?? 1) * n,
  };
  return {
    dims: { rows, k, n, ...widths, panelWidth: 16, panels: panelCount(n, 16) },
    params: { nHead },
    fill: { partial: splitSums(nHead) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 4, 1, 4),
  /* @__PURE__ */ sizes(3, 3, 12, 2, 36, { residual: 2 }, { note: 'splits without keys' }),
  /* @__PURE__ */ sizes(8, 2, 64, 3, 20, { y: 4 }, { liveRows: 5 }),
  /* @__PURE__ */ sizes(5, 6, 64, 5, 384, { residual: 4, y: 4 }, { note: 'five beams' }),
  /* @__PURE__ */ sizes(16, 3, 12, 1, 68, { y: 3, residual: 3 }, { liveRows: 13, note: 'a batch of windows' }),
  /* @__PURE__ */ sizes(30, 2, 12, 1, 36, { y: 2, residual: 2 }, { note: 'beams of six windows' }),
  /* @__PURE__ */ sizes(40, 3, 64, 4, 36, { y: 4 }, { liveRows: 37, note: 'splits of many rows, some without keys' }),
  /* @__PURE__ */ sizes(1, 6, 64, 22, 384, { residual: 4, y: 4 }, { bench: true, note: 'one token, tiny' }),
  /* @__PURE__ */ sizes(1, 20, 64, 7, 1280, { residual: 2, y: 2 }, { bench: true, benchOnly: true, note: 'large' }),
];

/** As matmul's, for inputs that are a part in 1e6 off. */
export const tolerance = (d: Dims, _params: Params): Tolerance => ({ absolute: 2e-7 * d.k! + 4e-6, relative: 4e-6 });
