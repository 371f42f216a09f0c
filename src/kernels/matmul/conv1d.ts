/**
 * y[t] = GELU(sum over tap, channel of x[stride t + tap, channel] W[tap, channel] + bias) + positions[t]; three taps.
 * x: [nIn, cIn], channels last, whose first and last row are zeros (the padding); W: [cOut, 3 cIn] in panels, input order
 * (tap, channel); y: [nOut, cOut], with a row of zeros before and after when `padOut` is 1.
 *
 * Rows of x overlap when read with a row stride of stride * cIn, so this is a matrix product without im2col.
 * @see openai/whisper, whisper/model.py, AudioEncoder
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { MATRIX_FEATURE } from '../../engine/wgsl/matrixFeature.ts';
import { gelu } from './gelu.ts';
import { roundInputs as roundForMatrices } from './matrixInputs.ts';
import { panelCount, panelIndex } from './panels.ts';

/** Width of the kernel, along time. */
const TAPS = 3;

export const conv1d = defineKernel({
  name: 'conv1d',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['nIn', 'cIn'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    bias: { access: 'read', dtype: 'f32', dims: ['cOut'] },
    positions: { access: 'read', dtype: 'f32', dims: ['nOut', 'cOut'], optional: true },
    y: { access: 'write', dtype: 'f32', dims: ['nOut', 'cOut'] },
  },
  params: { stride: 1, padOut: 0 },
  check: ({ nIn, cIn, nOut, cOut, k, panels, panelWidth }, { stride, padOut }) => {
    const rows = rowsOut(nIn, stride, padOut);
    if (k !== TAPS * cIn) return `W has ${k} inputs for ${TAPS} x ${cIn}`;
    if (nOut !== rows) return `${nIn} rows in give ${rows} rows out, not ${nOut}`;
    return panels === panelCount(cOut, panelWidth) ? undefined : `${cOut} outputs do not fill ${panels} panels`;
  },
  cost: ({ nIn, cIn, nOut, cOut, k }) => ({
    flops: 2 * nOut * cOut * k,
    bytes: 4 * (nIn * cIn + cOut * k + nOut * cOut),
  }),
  variants: {
    webgpu: async (_uses, has) => [
      ...(has(MATRIX_FEATURE) ? (await import('../matrices.ts')).conv1d : []),
      ...(has('subgroups') ? (await import('../broadcasts.ts')).conv1d : []),
      ...(await import('../webgpu.ts')).conv1d,
    ],
    wasm: async () => (await import('../wasm.ts')).conv1d,
  },
});

function rowsOut(nIn: number, stride: number, padOut: number): number {
  return Math.floor((nIn - TAPS) / stride) + 1 + 2 * padOut;
}

export const reference: Reference<typeof conv1d> = (
  { x, w, bias, positions, y },
  { cIn, cOut, k, nOut, panelWidth },
  { stride, padOut },
) => {
  for (let row = 0; row < nOut; row++) {
    const t = row - padOut;
    const isPadding = padOut === 1 && (row === 0 || row === nOut - 1);
    for (let j = 0; j < cOut; j++) {
      let sum = bias[j]!;
      if (!isPadding) for (let i = 0; i < k; i++) sum += x[t * stride * cIn + i]! * w[panelIndex(j, i, k, panelWidth)]!;
      y[row * cOut + j] = isPadding ? 0 : gelu(sum) + (positions ? positions[row * cOut + j]! : 0);
    }
  }
};

function sizes(
  nIn: number,
  cIn: number,
  cOut: number,
  stride: number,
  padOut: number,
  more?: Partial<KernelCase>,
): KernelCase {
  const nOut = rowsOut(nIn, stride, padOut);
  return {
    dims: { nIn, cIn, k: TAPS * cIn, cOut, nOut, panelWidth: 16, panels: panelCount(cOut, 16) },
    params: { stride, padOut },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(3, 1, 1, 1, 0),
  /* @__PURE__ */ sizes(5, 3, 7, 1, 1, { optional: [] }),
  /* @__PURE__ */ sizes(12, 8, 20, 2, 0),
  /* @__PURE__ */ sizes(13, 8, 20, 2, 1, { optional: [], note: 'an odd row is left over' }),
  /* @__PURE__ */ sizes(102, 80, 48, 1, 1, { optional: [] }),
  /* @__PURE__ */ sizes(52, 48, 64, 2, 0),
  /* @__PURE__ */ sizes(3002, 80, 384, 1, 1, {
    optional: [],
    bench: true,
    benchOnly: true,
    note: 'first convolution, tiny',
  }),
  /* @__PURE__ */ sizes(3002, 384, 384, 2, 0, { bench: true, benchOnly: true, note: 'second convolution, tiny' }),
];

export const tolerance = (d: Readonly<Record<string, number>>): Tolerance => ({
  absolute: 1e-7 * d.k! + 2e-6,
  relative: 4e-6,
});

export const roundInputs = roundForMatrices;
