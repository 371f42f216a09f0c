/**
 * y = x W^T + bias, then GELU (exact, by erf), then + residual; each of the last two optional.
 * x: [rows, k]; W: [n, k] in panels (panels.ts); residual, y: [rows, n].
 *
 * All of Whisper's projections: 1500 rows in the encoder (bound by arithmetic), a few rows in a decoding step (bound by
 * the bytes of W). Accumulated in f32.
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims, Params } from '../../engine/variant.ts';
import { MATRIX_FEATURE } from '../../engine/wgsl/matrixFeature.ts';
import { gelu } from './gelu.ts';
import { integerTolerance } from './int8Inputs.ts';
import { roundInputs as roundForMatrices } from './matrixInputs.ts';
import { panelCount, panelIndex } from './panels.ts';

export const matmul = defineKernel({
  name: 'matmul',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'k'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['n'] },
    residual: { access: 'read', dtype: 'f32', dims: ['rows', 'n'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
  },
  params: { gelu: 0 },
  check: ({ n, panels, panelWidth }) =>
    panels === panelCount(n, panelWidth)
      ? undefined
      : `${n} outputs need ${panelCount(n, panelWidth)} panels of ${panelWidth}, there are ${panels}`,
  cost: ({ rows, n, k }) => ({ flops: 2 * rows * n * k, bytes: 4 * (rows * k + n * k + 2 * rows * n) }),
  variants: {
    webgpu: async (_uses, has) => [
      ...(has(MATRIX_FEATURE) ? (await import('../matrices.ts')).matmul : []),
      ...(has('subgroups') ? (await import('../broadcasts.ts')).matmul : []),
      ...(await import('../webgpu.ts')).matmul,
    ],
    wasm: async (uses) => [
      ...(uses.some(({ args }) => args.w?.dtype === 'int8') ? (await import('../integers.ts')).matmul : []),
      ...(await import('../wasm.ts')).matmul,
    ],
  },
});

export const reference: Reference<typeof matmul> = (
  { x, w, bias, residual, y },
  { k, n, panelWidth },
  { gelu: useGelu },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++)
    for (let j = 0; j < n; j++) {
      let sum = bias[j]!;
      for (let i = 0; i < k; i++) sum += x[row * k + i]! * w[panelIndex(j, i, k, panelWidth)]!;
      if (useGelu) sum = gelu(sum);
      if (residual) sum += residual[row * n + j]!;
      y[row * n + j] = sum;
    }
};

/** Panels of 16; a device with others gets its own width (lab/checkKernel.ts). */
function shape(rows: number, k: number, n: number): KernelCase['dims'] {
  return { rows, k, n, panelWidth: 16, panels: panelCount(n, 16) };
}

const oneLoudRow: Fill = (x, d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = (2 * random() - 1) * (i < d.k! ? 1000 : 1);
};

/** Beyond f16, whose largest value is what counts then. */
const beyondHalf: Fill = (x, d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = (2 * random() - 1) * (i % (7 * d.k!) === 3 ? 2e5 : 1);
};

export const cases: readonly KernelCase[] = [
  { dims: /* @__PURE__ */ shape(1, 1, 1), optional: [] },
  { dims: /* @__PURE__ */ shape(1, 3, 5) },
  { dims: /* @__PURE__ */ shape(2, 4, 16), params: { gelu: 1 }, optional: [] },
  { dims: /* @__PURE__ */ shape(3, 37, 33), params: { gelu: 1 } },
  { dims: /* @__PURE__ */ shape(5, 64, 96), liveRows: 2, note: 'part of the rows live' },
  { dims: /* @__PURE__ */ shape(5, 384, 384), note: 'five beams' },
  { dims: /* @__PURE__ */ shape(7, 64, 61), optional: [], note: 'n off the panel' },
  { dims: /* @__PURE__ */ shape(13, 65, 130), note: 'rows and k off every tile' },
  { dims: /* @__PURE__ */ shape(32, 128, 192), params: { gelu: 1 }, liveRows: 27, optional: [] },
  { dims: /* @__PURE__ */ shape(70, 96, 64) },
  { dims: /* @__PURE__ */ shape(60, 300, 40), liveRows: 4, note: 'a prompt of four tokens' },
  { dims: /* @__PURE__ */ shape(100, 40, 24), liveRows: 49, note: 'one row more than few' },
  {
    dims: /* @__PURE__ */ shape(9, 384, 64),
    fill: { x: oneLoudRow },
    optional: [],
    note: 'one row 1000 times as large',
  },
  { dims: /* @__PURE__ */ shape(101, 384, 200), params: { gelu: 1 }, optional: [] },
  { dims: /* @__PURE__ */ shape(64, 520, 68), liveRows: 33, note: 'a batch of windows' },
  { dims: /* @__PURE__ */ shape(16, 640, 1028), optional: [], note: 'sixteen rows, many outputs' },
  { dims: /* @__PURE__ */ shape(65, 32, 8), fill: { x: beyondHalf }, optional: [], note: 'some of x beyond f16' },
  { dims: /* @__PURE__ */ shape(160, 268, 136), liveRows: 131, note: 'more rows than a tile of 128' },
  { dims: /* @__PURE__ */ shape(1, 384, 1152), optional: [], bench: true, note: 'q, k, v of one token, tiny' },
  { dims: /* @__PURE__ */ shape(1, 1536, 384), bench: true, note: 'second MLP matrix, one token, tiny' },
  {
    dims: /* @__PURE__ */ shape(1500, 384, 1152),
    optional: [],
    bench: true,
    benchOnly: true,
    note: 'q, k, v, encoder, tiny',
  },
  { dims: /* @__PURE__ */ shape(1500, 384, 1536), optional: [], params: { gelu: 1 }, bench: true, benchOnly: true },
  {
    dims: /* @__PURE__ */ shape(1500, 1536, 384),
    bench: true,
    benchOnly: true,
    note: 'second MLP matrix, encoder, tiny',
  },
];

/** 4e-7 of the sum of |x||w| (uniform in [-1, 1): k / 4 on average), as a plain f32 sum keeps, and 1e-6 for GELU. */
export const tolerance = (d: Dims, _params: Params, _arg: string, variant: string): Tolerance => {
  const rounding = integerTolerance(variant, d.k!);
  return { absolute: 1e-7 * d.k! + 2e-6 + rounding.absolute, relative: 4e-6 + rounding.relative };
};

export const roundInputs = roundForMatrices;
