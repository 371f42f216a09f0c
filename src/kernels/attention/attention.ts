/**
 * y = softmax(q k^T / sqrt(headDim)) v for each head, all positions against all; the encoder's self-attention.
 * qkv: [nCtx, 3 nState], q, k and v side by side, each [nHead, headDim]; y: [nCtx, nState].
 *
 * Fused: blocks of queries run over blocks of keys with a running maximum and sum, so 1500 x 1500 scores never exist.
 * `rounded` 1: a device may round queries, keys, values and weights to whole numbers of 13 to 16 bits; `halves` 1: to f16.
 *
 * Dao et al. 2022, "FlashAttention"; Milakov, Gimelshein 2018, "Online normalizer calculation for softmax".
 */

import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims, Params } from '../../engine/variant.ts';
import { MATRIX_FEATURE } from '../../engine/wgsl/matrixFeature.ts';
import { HALVES_TOLERANCE, roundInputs as roundForMatrices, SCORE_MATRICES } from './halves.ts';
import { INTEGERS, INTEGERS_TOLERANCE } from './rounding.ts';

export const attention = defineKernel({
  name: 'attention',
  args: {
    qkv: { access: 'read', dtype: 'f32', dims: ['nCtx', 'width'] },
    y: { access: 'write', dtype: 'f32', dims: ['nCtx', 'nState'] },
  },
  params: { nHead: 1, rounded: 0, halves: 0 },
  check: ({ width, nState }, { nHead }) =>
    width !== 3 * nState
      ? `q, k and v of ${nState} are not ${width} wide`
      : nState % (4 * nHead) !== 0
        ? `${nHead} heads do not divide ${nState} in fours`
        : undefined,
  cost: ({ nCtx, nState }) => ({ flops: 4 * nCtx * nCtx * nState, bytes: 16 * nCtx * nState }),
  variants: {
    webgpu: async (_uses, has) => [
      ...(has(MATRIX_FEATURE) ? (await import('../matrices.ts')).attention : []),
      ...(await import('../webgpu.ts')).attention,
    ],
    wasm: async (uses) => [
      ...(uses.some(({ params }) => params.rounded === 1) ? (await import('../integers.ts')).attention : []),
      ...(await import('../wasm.ts')).attention,
    ],
  },
});

export const reference: Reference<typeof attention> = ({ qkv, y }, { nCtx, nState, width }, { nHead }) => {
  const headDim = nState / nHead;
  const weights = new Float64Array(nCtx);
  for (let head = 0; head < nHead; head++)
    for (let row = 0; row < nCtx; row++) {
      let max = Number.NEGATIVE_INFINITY;
      for (let key = 0; key < nCtx; key++) {
        let score = 0;
        for (let i = 0; i < headDim; i++) {
          const at = head * headDim + i;
          score += qkv[row * width + at]! * qkv[key * width + nState + at]!;
        }
        weights[key] = score / Math.sqrt(headDim);
        max = Math.max(max, weights[key]!);
      }
      let sum = 0;
      for (let key = 0; key < nCtx; key++) sum += weights[key] = Math.exp(weights[key]! - max);
      for (let i = 0; i < headDim; i++) {
        const at = head * headDim + i;
        let value = 0;
        for (let key = 0; key < nCtx; key++) value += weights[key]! * qkv[key * width + 2 * nState + at]!;
        y[row * nState + at] = value / sum;
      }
    }
};

/** Of every published model. */
const HEAD_DIM = 64;

function sizes(nCtx: number, nHead: number, headDim: number, more?: Partial<KernelCase>): KernelCase {
  return { dims: { nCtx, nState: nHead * headDim, width: 3 * nHead * headDim }, params: { nHead }, ...more };
}

function rounded(nCtx: number, nHead: number, headDim: number, more?: Partial<KernelCase>): KernelCase {
  return { ...sizes(nCtx, nHead, headDim, more), params: { nHead, rounded: 1 } };
}

function halves(nCtx: number, nHead: number, headDim: number, more?: Partial<KernelCase>): KernelCase {
  return { ...sizes(nCtx, nHead, headDim, more), params: { nHead, halves: 1 } };
}

const loud: Fill = (x, _d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = 40 * (2 * random() - 1);
};

/**
 * Queries near 10, keys near -10: whoever takes a maximum that is not one of the scores divides 0 by 0. In sixteenths, so
 * that f32 has these scores exactly; rounded, they would move the weights by more than the tolerance.
 */
const opposed: Fill = (x, d, random) => {
  for (let i = 0; i < x.length; i++) {
    const part = Math.floor((i % d.width!) / d.nState!);
    x[i] = part === 2 ? 2 * random() - 1 : (part === 0 ? 10 : -10) + Math.floor(16 * random()) / 16;
  }
};

/** Scores in the hundreds that rounding leaves as they are: all inputs are whole numbers of the steps that it takes. */
const onSteps: Fill = (x, d, random) => {
  for (let i = 0; i < x.length; i++) {
    const part = Math.floor((i % d.width!) / d.nState!);
    const isFirst = i % HEAD_DIM === 0;
    const sixteenths = Math.floor(224 * random() - 112) / 16;
    if (part === 2) x[i] = 2 * random() - 1;
    else if (part === 0) x[i] = isFirst ? 8191 / 1024 : sixteenths;
    else x[i] = isFirst ? 8 : sixteenths;
  }
};

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 4),
  /* @__PURE__ */ sizes(2, 1, 64),
  /* @__PURE__ */ sizes(17, 3, 8),
  /* @__PURE__ */ sizes(64, 2, 64),
  /* @__PURE__ */ sizes(65, 1, 64, { note: 'one key beyond a block' }),
  /* @__PURE__ */ sizes(150, 2, 64),
  /* @__PURE__ */ sizes(33, 2, 64, { fill: { qkv: loud }, note: 'scores in the thousands' }),
  /* @__PURE__ */ sizes(20, 2, 16, { fill: { qkv: opposed }, note: 'all scores below -300' }),
  /* @__PURE__ */ rounded(1, 1, 4),
  /* @__PURE__ */ rounded(17, 3, 8),
  /* @__PURE__ */ rounded(40, 2, 20),
  /* @__PURE__ */ rounded(65, 1, 64),
  /* @__PURE__ */ rounded(150, 2, 128),
  /* @__PURE__ */ rounded(70, 2, HEAD_DIM, { fill: { qkv: onSteps }, note: 'scores in the hundreds' }),
  /* @__PURE__ */ halves(1, 1, 16),
  /* @__PURE__ */ halves(17, 3, 16),
  /* @__PURE__ */ halves(65, 1, 64, { note: 'one query beyond a workgroup' }),
  /* @__PURE__ */ halves(150, 2, 32),
  /* @__PURE__ */ halves(33, 2, 16, { fill: { qkv: opposed }, note: 'all scores below -300' }),
  /* @__PURE__ */ sizes(1500, 1, 64, { bench: true, note: 'one head of the encoder' }),
  /* @__PURE__ */ rounded(1500, 1, 64, { bench: true, note: 'one head of the encoder' }),
  /* @__PURE__ */ sizes(1500, 6, 64, { bench: true, benchOnly: true, note: 'encoder, tiny' }),
];

// Loud scores of up to 2e4 have an error of 2e-3 in f32, which moves near-equal weights by as much.
export const tolerance = (_d: Dims, _params: Params, _arg: string, variant: string): Tolerance =>
  variant === INTEGERS
    ? INTEGERS_TOLERANCE
    : variant === SCORE_MATRICES
      ? HALVES_TOLERANCE
      : { absolute: 2e-6, relative: 1e-5 };

export const roundInputs = roundForMatrices;
