/**
 * First half of choosing tokens: for each row and chunk of 1024 ids, after the rules that look at one id at a time, the
 * maximum, the sum of exp(logit - maximum), and the `perRow` best ids.
 *
 * logits: [rows, nVocab]; masks, rules, ruleState: rowState.ts. Chunks hold text ids or timestamp ids, never both
 * (rowState.ts, chunkRange), since the last rule weighs one kind against the other (chooseTokens.ts).
 * stats: [rows, chunks, 4]: maximum (MASKED when nothing is allowed), sum, 1 if a logit is NaN or infinite, 0.
 * bestIds: [rows, chunks, perRow], best first, ties to the lower id, `noToken` where there is no further allowed id.
 * @see numeric/logitRules.ts, applyRules
 */
import { MASKED } from '../numeric/logitRules.js';
import type { Kernel, KernelCase, Reference, Tolerance } from './contract.js';
import { chunkCount, chunkRange, decodeRuleState, isAllowed, maskWords, noToken, ruleStateWidth } from './rowState.js';

export const logitChunks = {
  name: 'logitChunks',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    masks: { access: 'read', dtype: 'u32', dims: [2, 'maskWords'] },
    rules: { access: 'read', dtype: 'u32', dims: [8] },
    ruleState: { access: 'read', dtype: 'u32', dims: ['rows', 8] },
    stats: { access: 'write', dtype: 'f32', dims: ['rows', 'chunks', 4] },
    bestIds: { access: 'write', dtype: 'u32', dims: ['rows', 'chunks', 'perRow'] },
  },
  params: {},
  check: (d) =>
    d.chunks !== chunkCount(d.nVocab!)
      ? `${d.nVocab} ids are ${chunkCount(d.nVocab!)} chunks, not ${d.chunks}`
      : d.maskWords === maskWords(d.nVocab!)
        ? undefined
        : `${d.nVocab} ids need ${maskWords(d.nVocab!)} mask words, not ${d.maskWords}`,
  cost: (d) => ({ flops: 6 * d.rows! * d.nVocab!, bytes: 4 * d.rows! * d.nVocab! }),
  gpu: [],
  cpu: [],
} as const satisfies Kernel;

export const reference: Reference = (
  { logits, masks, rules, ruleState, stats, bestIds },
  { nVocab, maskWords: words, chunks, perRow },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const state = decodeRuleState(ruleState!, row * ruleStateWidth);
    for (let chunk = 0; chunk < chunks!; chunk++) {
      const [begin, end] = chunkRange(chunk, rules![1]!, nVocab!);
      const allowed: number[] = [];
      let nonFinite = 0;
      for (let id = begin; id < end; id++) {
        if (!Number.isFinite(logits![row * nVocab! + id]!)) nonFinite = 1;
        else if (isAllowed(id, state, rules!, masks!, words!)) allowed.push(id);
      }
      const value = (id: number): number => logits![row * nVocab! + id]!;
      let max = MASKED;
      for (const id of allowed) max = Math.max(max, value(id));
      let sum = 0;
      for (const id of allowed) sum += Math.exp(value(id) - max);
      const at = row * chunks! + chunk;
      stats!.set([max, sum, nonFinite, 0], at * 4);
      allowed.sort((a, b) => value(b) - value(a) || a - b);
      for (let i = 0; i < perRow!; i++) bestIds![at * perRow! + i] = allowed[i] ?? noToken;
    }
  }
};

/** A small vocabulary with everything in it: 2000 text ids, eot 2000, noTimestamps 2001, 40 timestamps from 2002. */
const small = { nVocab: 2042, eot: 2000, begin: 2002 };

/** [sampled, last timestamp id + 1, last is, last but one is] for as many rows. */
export const ruleStates: readonly (readonly number[])[] = [
  [0, 0, 0, 1],
  [1, small.begin + 1, 1, 1],
  [2, small.begin + 1, 0, 1],
  [5, small.begin + 11, 1, 0],
  [6, small.begin + 11, 1, 1],
  [7, small.begin + 11, 0, 0],
];

export const fillRules: NonNullable<KernelCase['fill']> = {
  rules: (rules) => {
    rules.set([small.eot, small.begin, small.begin + 21, 1, noToken, 0, 0, 0]);
  },
  masks: (masks, d, random) => {
    for (let i = 0; i < masks.length; i++) masks[i] = random() < 0.3 ? Math.floor(random() * 2 ** 32) : 0;
    masks[Math.floor((small.begin - 1) / 32)]! |= 2 ** ((small.begin - 1) % 32);
    masks[d.maskWords!] = 0xf;
  },
  ruleState: (words, d) => {
    for (let row = 0; row < d.rows!; row++) words.set(ruleStates[row % ruleStates.length]!, row * ruleStateWidth);
  },
};

const noTimestampRules: NonNullable<KernelCase['fill']>[string] = (rules, d) => {
  rules.set([0, d.nVocab!, 0, 0, noToken, 0, 0, 0]);
};

const fewValues: NonNullable<KernelCase['fill']>[string] = (x, _d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = Math.floor(4 * random());
};

function sizes(rows: number, nVocab: number, perRow: number, more?: Partial<KernelCase>): KernelCase {
  return {
    dims: { rows, nVocab, maskWords: maskWords(nVocab), chunks: chunkCount(nVocab), perRow },
    ...more,
    fill: { ...fillRules, ...more?.fill },
  };
}

export const cases: readonly KernelCase[] = [
  sizes(1, 5, 1, { fill: { rules: noTimestampRules, masks: () => {} }, note: 'five ids, no rules' }),
  sizes(6, small.nVocab, 1, { note: 'every state of the rules' }),
  sizes(6, small.nVocab, 6, { fill: { logits: fewValues }, note: 'ties everywhere' }),
  sizes(3, small.nVocab, 3, {
    fill: {
      logits: (x, d, random) => {
        for (let i = 0; i < x.length; i++) x[i] = random();
        x[17] = Number.NaN;
        x[d.nVocab! + 1500] = Number.POSITIVE_INFINITY;
        x[2 * d.nVocab! + 2041] = Number.NEGATIVE_INFINITY;
      },
    },
    note: 'NaN and infinities are seen',
  }),
  sizes(2, 700, 2, { fill: { rules: noTimestampRules, masks: (m) => m.fill(0xffffffff) }, note: 'all forbidden' }),
  sizes(8, small.nVocab, 2, { liveRows: 3 }),
  sizes(1, 51865, 1, { fill: { rules: (r) => r.set([50257, 50364, 50415, 1, noToken, 0, 0, 0]) }, bench: true }),
  sizes(5, 51865, 6, { fill: { rules: (r) => r.set([50257, 50364, 50415, 1, noToken, 0, 0, 0]) }, bench: true }),
];

/** Sums of at most 1024 terms below 1. */
export const tolerance = (): Tolerance => ({ absolute: 2e-4, relative: 0 });
