/**
 * y[row] = softmax(logits[row, 0 .. end])[ids[row]], unfiltered: the probability of `<|nospeech|>` (`end` 0: all ids), or of
 * the token that is known to follow, among the ids of text. logits: [rows, nVocab]; ids, y: [rows]. 0 for `NO_TOKEN` and for
 * ids from `end` on. Not finite if the logits are not.
 */

import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { NO_TOKEN } from './decodeState.ts';

export const tokenProbability = defineKernel({
  name: 'tokenProbability',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    ids: { access: 'read', dtype: 'u32', dims: ['rows'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows'] },
  },
  params: { end: 0 },
  check: ({ nVocab }, { end }) => (end <= nVocab ? undefined : `${end} is beyond ${nVocab} ids`),
  cost: ({ rows, nVocab }) => ({ flops: 4 * rows * nVocab, bytes: 4 * rows * nVocab }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).tokenProbability,
    wasm: async () => (await import('../wasm.ts')).tokenProbability,
  },
});

export const reference: Reference<typeof tokenProbability> = ({ logits, ids, y }, dims, params, liveRows) => {
  const end = params.end || dims.nVocab;
  for (let row = 0; row < liveRows; row++) {
    const at = row * dims.nVocab;
    const id = ids[row]!;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < end; i++) max = Math.max(max, logits[at + i]!);
    let sum = 0;
    for (let i = 0; i < end; i++) sum += Math.exp(logits[at + i]! - max);
    y[row] = id >= end ? 0 : Math.exp(logits[at + id]! - max) / sum;
  }
};

function wanted(...list: readonly number[]): Readonly<Record<string, Fill>> {
  return {
    ids: (ids) => {
      for (let i = 0; i < ids.length; i++) ids[i] = list[i % list.length]!;
    },
  };
}

function withRealLogits(fill: Readonly<Record<string, Fill>>): Readonly<Record<string, Fill>> {
  return {
    ...fill,
    logits: (x, _d, random) => {
      for (let i = 0; i < x.length; i++) x[i] = 30 * random() - 20;
    },
  };
}

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, nVocab: 1 }, fill: /* @__PURE__ */ wanted(0) },
  { dims: { rows: 3, nVocab: 1000 }, fill: /* @__PURE__ */ wanted(999, 0, 17) },
  { dims: { rows: 4, nVocab: 65 }, fill: /* @__PURE__ */ wanted(64), liveRows: 2 },
  { dims: { rows: 2, nVocab: 300 }, fill: /* @__PURE__ */ wanted(NO_TOKEN, 3), note: 'no such id' },
  {
    dims: { rows: 4, nVocab: 301 },
    params: { end: 203 },
    fill: /* @__PURE__ */ wanted(202, 203, 0, 300),
    note: 'ids of text only',
  },
  {
    dims: { rows: 2, nVocab: 51865 },
    fill: /* @__PURE__ */ withRealLogits(/* @__PURE__ */ wanted(50362, 50361)),
    note: 'real size',
  },
];

export const tolerance = (): Tolerance => ({ absolute: 1e-6, relative: 2e-5 });
