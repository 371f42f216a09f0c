/**
 * layerNorm(x) E^T, the logits of a step's rows, as far as choosing tokens needs them: summaries, see summaries.ts.
 * x: [rows, xParts, k], of which the sum over parts counts; gamma, beta: [k]; E: ids `begin` to `begin + count` in panels; masks, rules,
 * ruleState: sampling/decodeState.ts.
 *
 * Each shard of the embedding writes its own tiles; `begin` is a multiple of a tile.
 * @see logits.ts, tokenStats.ts, layerNorm.ts: what it fuses
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims } from '../../engine/variant.ts';
import { allowedIds, MASKED } from '../../rules/logitRules.ts';
import { panelCount, panelIndex } from '../matmul/panels.ts';
import {
  decodeRuleState,
  decodeRules,
  isMasked,
  maskWords,
  RULE_STATE,
  RULES,
  ruleStateRow,
} from '../sampling/decodeState.ts';
import { partsProblem, rowsProblem } from './cut.ts';
import { normalized } from './normalized.ts';
import { isOfTimestamps, perRowOf, putSummary, summaryCount, summaryRange, summaryWidth, TILE } from './summaries.ts';

export const normLogits = defineKernel({
  name: 'normLogits',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'xWidth'] },
    gamma: { access: 'read', dtype: 'f32', dims: ['k'] },
    beta: { access: 'read', dtype: 'f32', dims: ['k'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    masks: { access: 'read', dtype: 'u32', dims: ['sets', 2, 'maskWords'] },
    rules: { access: 'read', dtype: 'u32', dims: ['sets', RULES.width] },
    ruleState: { access: 'read', dtype: 'u32', dims: ['rows', RULE_STATE.width] },
    summaries: { access: 'readwrite', dtype: 'f32', dims: ['rows', 'entries', 'summaryWidth'] },
  },
  params: { begin: 0, count: 0, nVocab: 0 },
  check: (d, { begin, count, nVocab }) =>
    rowsProblem(d) ??
    partsProblem('x', d.xWidth, d.k) ??
    (d.entries !== summaryCount(nVocab)
      ? `${nVocab} ids have ${summaryCount(nVocab)} summaries, not ${d.entries}`
      : d.maskWords !== maskWords(nVocab)
        ? `${nVocab} ids need ${maskWords(nVocab)} mask words, not ${d.maskWords}`
        : begin % TILE > 0 || begin + count > nVocab || perRowOf(d.summaryWidth) < 1
          ? 'tiles and sizes differ'
          : undefined),
  cost: ({ rows, k, panels, panelWidth, entries, summaryWidth: width }) => {
    const n = panels * panelWidth;
    return { flops: 2 * rows * n * k, bytes: 4 * (rows * k + n * k + rows * entries * width) };
  },
  variants: { webgpu: async () => (await import('./webgpu.ts')).normLogits },
});

export const reference: Reference<typeof normLogits> = (
  { x, gamma, beta, w, masks, rules, ruleState, summaries },
  { k, xWidth, panelWidth, entries, summaryWidth: width, maskWords: words },
  { begin: first, count, nVocab },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const inputs = normalized(x.subarray(row * xWidth, (row + 1) * xWidth), gamma, beta);
    const logit = (id: number): number => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += inputs[i]! * w[panelIndex(id - first, i, k, panelWidth)]!;
      return sum;
    };
    const set = ruleState[RULE_STATE.at(row, 'set')]!;
    const timestamps = decodeRules(rules, set);
    const timestampBegin = rules[RULES.at(set, 'timestampBegin')]!;
    const state = decodeRuleState(ruleState, row);
    const left = allowedIds(state, timestamps, nVocab);
    for (let entry = 0; entry < entries; entry++) {
      const [begin, end] = summaryRange(entry, timestampBegin, nVocab);
      // The last entry belongs to the shard that has the tile in which timestamps begin; an empty one to the first.
      const last = timestampBegin % TILE > 0 ? Math.floor(timestampBegin / TILE) : 0;
      const tile = TILE * (entry < entries - 1 ? entry : last);
      if (tile < first || tile >= first + count) continue;
      const isText = !timestamps || !isOfTimestamps(entry, timestampBegin);
      const range = isText ? left.text : left.timestamps;
      const allowed: { readonly id: number; readonly logit: number }[] = [];
      let nonFinite = 0;
      for (let id = begin; id < end; id++) {
        const value = logit(id);
        if (!Number.isFinite(value)) nonFinite = 1;
        else if (id >= range.begin && id < range.end && !isMasked(masks, words, set, id, state.sampled === 0))
          allowed.push({ id, logit: value });
      }
      const max = Math.max(MASKED, ...allowed.map(({ logit: value }) => value));
      const sum = allowed.reduce((all, { logit: value }) => all + Math.exp(value - max), 0);
      allowed.sort((a, b) => b.logit - a.logit || a.id - b.id);
      putSummary(summaries, row * entries + entry, width, { max, sum, nonFinite, best: allowed });
    }
  }
};

interface Scene {
  readonly eot: number;
  readonly timestampBegin: number;
  readonly hasTimestamps?: boolean;
  readonly initialEnd?: number;
}

/** One set of rules after another; rows in every state: nothing sampled, a pair open, closed, text after it, a pair that is no end. */
function scene(sets: readonly Scene[]): Required<KernelCase>['fill'] {
  const last = (begin: number) => begin + 3;
  return {
    rules: (rules) => {
      for (const [set, { hasTimestamps: has = true, ...rest }] of sets.entries())
        rules.set(RULES.encode({ ...rest, hasTimestamps: has ? 1 : 0 }), set * RULES.width);
    },
    masks: (masks, _d, random) => {
      for (let i = 0; i < masks.length; i++) masks[i] = random() < 0.3 ? Math.floor(random() * 2 ** 32) : 0;
    },
    ruleState: (words, d) => {
      for (let row = 0; row < d.rows!; row++) {
        const set = row % sets.length;
        const begin = sets[set]!.timestampBegin;
        const state = { sampled: row, lastTimestamp: -1, noEndBefore: 0 };
        const pair = { lastIsTimestamp: row % 2 === 1, penultimateIsTimestamp: row % 4 === 3 || row < 2 };
        const lastTimestamp = row === 0 ? -1 : last(begin);
        const noEndBefore = row === 7 ? begin + 20 : 0;
        words.set(ruleStateRow({ ...state, ...pair, lastTimestamp, noEndBefore }, false, set), row * RULE_STATE.width);
      }
    },
  };
}

function sizes(
  rows: number,
  k: number,
  nVocab: number,
  perRow: number,
  sets: readonly Scene[],
  more: Partial<KernelCase> & {
    readonly shard?: readonly [begin: number, count: number];
    readonly xParts?: number;
  } = {},
): KernelCase {
  const { shard: [begin, count] = [0, nVocab], xParts = 1, ...given } = more;
  return {
    ...given,
    dims: {
      ...{ rows, k, xWidth: xParts * k, panelWidth: 16, panels: panelCount(count, 16) },
      ...{ sets: sets.length, maskWords: maskWords(nVocab) },
      ...{ entries: summaryCount(nVocab), summaryWidth: summaryWidth(perRow) },
    },
    params: { begin, count, nVocab },
    fill: { ...scene(sets), summaries: untouched, ...given.fill },
  };
}

/** What a shard does not write stays. */
const untouched: Fill = (summaries) => summaries.fill(77);

const withNaN: Fill = (x, d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = 2 * random() - 1;
  x[d.xWidth!] = Number.NaN;
};

const english: Scene = { eot: 100, timestampBegin: 150 };
const atTile: Scene = { eot: 100, timestampBegin: 192, initialEnd: 200 };

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 4, 5, 1, [{ eot: 3, timestampBegin: 5, hasTimestamps: false }], {
    note: 'five ids, no rules',
  }),
  /* @__PURE__ */ sizes(8, 24, 200, 2, [english], { xParts: 2, note: 'every state of the rules' }),
  /* @__PURE__ */ sizes(8, 16, 300, 6, [english, atTile], {
    note: 'two sets of rules, one whose timestamps begin with a tile',
  }),
  /* @__PURE__ */ sizes(5, 64, 300, 3, [english], { shard: [128, 172], liveRows: 3, note: 'a shard' }),
  /* @__PURE__ */ sizes(2, 64, 300, 3, [english], { shard: [0, 128], note: 'the shard before it' }),
  /* @__PURE__ */ sizes(3, 16, 130, 2, [{ eot: 100, timestampBegin: 130, hasTimestamps: false }], {
    fill: { x: withNaN },
    note: 'NaN in a row',
  }),
  /* @__PURE__ */ sizes(1, 16, 128, 2, [{ eot: 100, timestampBegin: 128, hasTimestamps: false }], {
    fill: { masks: (masks: { fill(value: number): unknown }) => masks.fill(0xffffffff) },
    note: 'all forbidden, whole tiles',
  }),
  /* @__PURE__ */ sizes(1, 384, 51865, 1, [{ eot: 50257, timestampBegin: 50364 }], {
    bench: true,
    benchOnly: true,
    note: 'one token, tiny',
  }),
];

/** Logits as normMatmul's, whose sizes are below 20 here; each exp is as much off as its logit, and a sum has 64 of them. */
export const tolerance = (d: Dims): Tolerance => ({ absolute: 64 * (4e-7 * d.k! + 4e-6), relative: 0 });
