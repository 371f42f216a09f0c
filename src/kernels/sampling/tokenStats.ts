/**
 * First half of choosing tokens: for each row and chunk of 1024 ids, after the rules that look at one id at a time, the
 * maximum, the sum of exp(logit - maximum), and the `perRow` best ids.
 *
 * logits: [rows, nVocab]; masks, rules, ruleState: decodeState.ts; stats: [rows, chunks, 4], vocabularyChunks.ts;
 * bestIds: [rows, chunks, perRow], best first, ties to the lower id, `NO_TOKEN` where there is no further allowed id.
 * The last rule weighs timestamps against text, see chooseTokens.ts.
 * @see rules/logitRules.ts
 */
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { allowedIds, INITIAL_RULE_STATE, MASKED, type RuleState } from '../../rules/logitRules.ts';
import {
  decodeRuleState,
  decodeRules,
  isMasked,
  maskWords,
  NO_TOKEN,
  RULE_STATE,
  RULES,
  ruleStateRow,
} from './decodeState.ts';
import { CHUNK_IDS, chunkCount, chunkRange, STATS } from './vocabularyChunks.ts';

export const tokenStats = defineKernel({
  name: 'tokenStats',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    masks: { access: 'read', dtype: 'u32', dims: ['sets', 2, 'maskWords'] },
    rules: { access: 'read', dtype: 'u32', dims: ['sets', RULES.width] },
    ruleState: { access: 'read', dtype: 'u32', dims: ['rows', RULE_STATE.width] },
    stats: { access: 'write', dtype: 'f32', dims: ['rows', 'chunks', STATS.width] },
    bestIds: { access: 'write', dtype: 'u32', dims: ['rows', 'chunks', 'perRow'] },
  },
  params: {},
  check: (d) =>
    d.chunks !== chunkCount(d.nVocab)
      ? `${d.nVocab} ids are ${chunkCount(d.nVocab)} chunks, not ${d.chunks}`
      : d.maskWords === maskWords(d.nVocab)
        ? undefined
        : `${d.nVocab} ids need ${maskWords(d.nVocab)} mask words, not ${d.maskWords}`,
  cost: ({ rows, nVocab }) => ({ flops: 6 * rows * nVocab, bytes: 4 * rows * nVocab }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).tokenStats,
    wasm: async () => (await import('../wasm.ts')).tokenStats,
  },
});

export const reference: Reference<typeof tokenStats> = (
  { logits, masks, rules, ruleState, stats, bestIds },
  { nVocab, maskWords: words, chunks, perRow },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const set = ruleState[RULE_STATE.at(row, 'set')]!;
    const timestamps = decodeRules(rules, set);
    const timestampBegin = rules[RULES.at(set, 'timestampBegin')]!;
    const state = decodeRuleState(ruleState, row);
    const left = allowedIds(state, timestamps, nVocab);
    const value = (id: number): number => logits[row * nVocab + id]!;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const [begin, end] = chunkRange(chunk, timestampBegin, nVocab);
      const range = begin < timestampBegin || !timestamps ? left.text : left.timestamps;
      const allowed: number[] = [];
      let nonFinite = 0;
      for (let id = begin; id < end; id++) {
        if (!Number.isFinite(value(id))) nonFinite = 1;
        else if (id >= range.begin && id < range.end && !isMasked(masks, words, set, id, state.sampled === 0))
          allowed.push(id);
      }
      let max = MASKED;
      for (const id of allowed) max = Math.max(max, value(id));
      let sum = 0;
      for (const id of allowed) sum += Math.exp(value(id) - max);
      const at = row * chunks + chunk;
      stats.set(STATS.encode({ max, sum, nonFinite }), at * STATS.width);
      allowed.sort((a, b) => value(b) - value(a) || a - b);
      for (let i = 0; i < perRow; i++) bestIds[at * perRow + i] = allowed[i] ?? NO_TOKEN;
    }
  }
};

/** A small vocabulary with everything in it: 2000 text ids, eot 2000, noTimestamps 2001, 40 timestamps from 2002. */
const SMALL = 2042;
const EOT = 2000;
const BEGIN = 2002;

/** As many rows: nothing sampled; one timestamp; text after it; a pair open, closed; text after a pair; a pair that is no end. */
const ruleStates = (): readonly RuleState[] => [
  INITIAL_RULE_STATE,
  { sampled: 1, lastTimestamp: BEGIN, lastIsTimestamp: true, penultimateIsTimestamp: true, noEndBefore: 0 },
  { sampled: 2, lastTimestamp: BEGIN, lastIsTimestamp: false, penultimateIsTimestamp: true, noEndBefore: 0 },
  { sampled: 5, lastTimestamp: BEGIN + 10, lastIsTimestamp: true, penultimateIsTimestamp: false, noEndBefore: 0 },
  { sampled: 6, lastTimestamp: BEGIN + 10, lastIsTimestamp: true, penultimateIsTimestamp: true, noEndBefore: 0 },
  {
    sampled: 7,
    lastTimestamp: BEGIN + 10,
    lastIsTimestamp: false,
    penultimateIsTimestamp: false,
    noEndBefore: 0,
  },
  {
    sampled: 6,
    lastTimestamp: BEGIN + 10,
    lastIsTimestamp: true,
    penultimateIsTimestamp: true,
    noEndBefore: BEGIN + 11,
  },
];

const fillRules: Required<KernelCase>['fill'] = {
  rules: (rules) => {
    rules.set(RULES.encode({ eot: EOT, timestampBegin: BEGIN, initialEnd: BEGIN + 21, hasTimestamps: 1 }));
  },
  masks: (masks, d, random) => {
    for (let i = 0; i < masks.length; i++) masks[i] = random() < 0.3 ? Math.floor(random() * 2 ** 32) : 0;
    for (let set = 0; set < d.sets!; set++) {
      const first = 2 * set * d.maskWords!;
      masks[first + Math.floor((BEGIN - 1) / 32)]! |= 2 ** ((BEGIN - 1) % 32);
      masks[first + d.maskWords!] = 0xf;
    }
  },
  ruleState: (words, d) => {
    const states = ruleStates();
    for (let row = 0; row < d.rows!; row++)
      words.set(ruleStateRow(states[row % states.length]!, false, row % d.sets!), row * RULE_STATE.width);
  },
};

/** Other rules in each set: as above; without a limit of the first timestamp; without timestamps; with other ids. */
const severalRules: Fill = (rules, d) => {
  const sets = [
    { eot: EOT, timestampBegin: BEGIN, initialEnd: BEGIN + 21, hasTimestamps: 1 },
    { eot: EOT, timestampBegin: BEGIN, hasTimestamps: 1 },
    { eot: EOT, timestampBegin: d.nVocab! },
    { eot: 900, timestampBegin: 1000, initialEnd: 1010, hasTimestamps: 1 },
  ];
  for (const [set, values] of sets.entries()) rules.set(RULES.encode(values), set * RULES.width);
};

const noTimestampRules: Fill = (rules, d) => {
  rules.set(RULES.encode({ timestampBegin: d.nVocab! }));
};

const realRules: Fill = (rules) => {
  rules.set(RULES.encode({ eot: 50257, timestampBegin: 50364, initialEnd: 50415, hasTimestamps: 1 }));
};

/** Far from each other: the roundings of a sum of equal terms that are no whole numbers go one way, which `tolerance` does not think of. */
const fewValues: Fill = (x, _d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = 12 * Math.floor(4 * random());
};

function sizes(rows: number, nVocab: number, perRow: number, more?: Partial<KernelCase>): KernelCase {
  return {
    ...more,
    dims: { rows, nVocab, maskWords: maskWords(nVocab), chunks: chunkCount(nVocab), perRow, sets: 1, ...more?.dims },
    fill: { ...fillRules, ...more?.fill },
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 5, 1, { fill: { rules: noTimestampRules, masks: () => {} }, note: 'five ids, no rules' }),
  /* @__PURE__ */ sizes(7, SMALL, 1, { note: 'every state of the rules' }),
  /* @__PURE__ */ sizes(7, SMALL, 6, { fill: { logits: fewValues }, note: 'ties everywhere' }),
  /* @__PURE__ */ sizes(3, SMALL, 3, {
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
  /* @__PURE__ */ sizes(2, 700, 2, {
    fill: { rules: noTimestampRules, masks: (m) => m.fill(0xffffffff) },
    note: 'all forbidden',
  }),
  /* @__PURE__ */ sizes(8, SMALL, 2, { liveRows: 3 }),
  /* @__PURE__ */ sizes(28, SMALL, 3, {
    dims: { sets: 4 },
    fill: { rules: severalRules },
    note: 'rows with rules of their own',
  }),
  /* @__PURE__ */ sizes(1, 51865, 1, { fill: { rules: realRules }, bench: true }),
  /* @__PURE__ */ sizes(5, 51865, 6, { fill: { rules: realRules }, bench: true }),
];

/** Sums of at most 1024 terms below 1. */
// An exp is off by 1e-7 of itself; a sum in f32, by four lanes, gathers the roundings of a quarter of a chunk's additions,
// which are as often up as down.
export const tolerance = (): Tolerance => ({
  absolute: 0,
  relative: 1e-7 + Math.sqrt(CHUNK_IDS / 4) * 2 ** -24,
});
