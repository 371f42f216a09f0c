/**
 * y[row] = softmax(logits[row])[id], unfiltered, for the id in rules[4]: the probability of `<|nospeech|>`.
 * logits: [rows, nVocab]; rules: [8] (rowState.ts); y: [rows]. 0 when the model has no such id.
 */
import type { Kernel, KernelCase, Reference, Tolerance } from './contract.js';
import { noToken } from './rowState.js';

export const tokenProbability = {
  name: 'tokenProbability',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    rules: { access: 'read', dtype: 'u32', dims: [8] },
    y: { access: 'write', dtype: 'f32', dims: ['rows'] },
  },
  params: {},
  cost: (d) => ({ flops: 4 * d.rows! * d.nVocab!, bytes: 4 * d.rows! * d.nVocab! }),
  gpu: [],
  cpu: [],
} as const satisfies Kernel;

export const reference: Reference = ({ logits, rules, y }, { nVocab }, _params, liveRows) => {
  for (let row = 0; row < liveRows; row++) {
    const at = row * nVocab!;
    const id = rules![4]!;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < nVocab!; i++) max = Math.max(max, logits![at + i]!);
    let sum = 0;
    for (let i = 0; i < nVocab!; i++) sum += Math.exp(logits![at + i]! - max);
    y![row] = id === noToken ? 0 : Math.exp(logits![at + id]! - max) / sum;
  }
};

function wanted(id: number): NonNullable<KernelCase['fill']>[string] {
  return (rules) => {
    rules[4] = id;
  };
}

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, nVocab: 1 }, fill: { rules: wanted(0) } },
  { dims: { rows: 3, nVocab: 1000 }, fill: { rules: wanted(999) } },
  { dims: { rows: 4, nVocab: 65 }, fill: { rules: wanted(64) }, liveRows: 2 },
  { dims: { rows: 1, nVocab: 300 }, fill: { rules: wanted(noToken) }, note: 'no such id' },
  {
    dims: { rows: 2, nVocab: 51865 },
    fill: {
      rules: wanted(50362),
      logits: (x, _d, random) => {
        for (let i = 0; i < x.length; i++) x[i] = 30 * random() - 20;
      },
    },
    note: 'real size',
  },
];

export const tolerance = (): Tolerance => ({ absolute: 1e-6, relative: 2e-5 });
