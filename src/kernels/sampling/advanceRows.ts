/**
 * A greedy step's bookkeeping, on the device: each row takes its best token, notes it and moves on.
 *
 * ids, logprobs: [rows, perRow] from chooseTokens.ts, of which the first is taken; rules, rowState, ruleState, loopState,
 * picked: decodeState.ts. A row is done when it sampled eot, when it sampled `limit` tokens, or when its logits were not
 * finite. It then keeps its token and position, so that further repetitions of a step change nothing. The loop is done when
 * all rows are. One workgroup, one thread a row.
 */
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { nextRuleState } from '../../rules/logitRules.ts';
import {
  decodeRuleState,
  decodeRules,
  LOOP_STATE,
  NON_FINITE_TOKEN,
  PICKED,
  ROW_STATE,
  ROW_TABLES,
  RULE_STATE,
  RULES,
  ruleStateRow,
} from './decodeState.ts';

export const advanceRows = defineKernel({
  name: 'advanceRows',
  args: {
    ids: { access: 'read', dtype: 'u32', dims: ['rows', 'perRow'] },
    logprobs: { access: 'read', dtype: 'f32', dims: ['rows', 'perRow'] },
    ...ROW_TABLES,
    picked: { access: 'readwrite', dtype: 'u32', dims: ['rows', 'steps', PICKED.width] },
  },
  params: {},
  check: ({ rows }) => (rows <= 256 ? undefined : `${rows} rows do not fit one workgroup of 256`),
  cost: ({ rows }) => ({ flops: 0, bytes: 64 * rows }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).advanceRows,
    wasm: async () => (await import('../wasm.ts')).advanceRows,
  },
});

const bits = new DataView(new ArrayBuffer(4));

export const reference: Reference<typeof advanceRows> = (
  { ids, logprobs, rules, rowState, ruleState, loopState, picked },
  { perRow, steps },
  _params,
  liveRows,
) => {
  const limit = loopState[LOOP_STATE.index.limit]!;
  let isAllDone = true;
  for (let row = 0; row < liveRows; row++) {
    if (ruleState[RULE_STATE.at(row, 'done')] !== 0) continue;
    const set = ruleState[RULE_STATE.at(row, 'set')]!;
    const timestamps = decodeRules(rules, set);
    const eot = rules[RULES.at(set, 'eot')];
    const token = ids[row * perRow]!;
    if (token === NON_FINITE_TOKEN) {
      ruleState[RULE_STATE.at(row, 'done')] = 1;
      ruleState[RULE_STATE.at(row, 'nonFinite')] = 1;
      continue;
    }
    const before = decodeRuleState(ruleState, row);
    bits.setFloat32(0, logprobs[row * perRow]!);
    const entry = PICKED.encode({ token, logprob: bits.getUint32(0) });
    picked.set(entry, (row * steps + before.sampled) * PICKED.width);
    const after = nextRuleState(before, token, timestamps?.begin);
    const isDone = token === eot || after.sampled >= limit;
    ruleState.set(ruleStateRow(after, isDone, set), row * RULE_STATE.width);
    if (isDone) continue;
    rowState[ROW_STATE.at(row, 'token')] = token;
    rowState[ROW_STATE.at(row, 'position')]! += 1;
    isAllDone = false;
  }
  loopState[LOOP_STATE.index.done] = isAllDone ? 1 : 0;
};

const [eot, timestampBegin] = [40, 50];

const fill: Required<KernelCase>['fill'] = {
  // Rows: text, timestamp, eot, done already, non-finite, at the limit.
  ids: (ids, d) => {
    const tokens = [7, 60, eot, 9, NON_FINITE_TOKEN, 8];
    for (let row = 0; row < d.rows!; row++) ids[row * d.perRow!] = tokens[row % 6]!;
  },
  rules: (rules, d) => {
    // Of the second set, eot is an id that the rows sample as text; the third has no timestamps.
    const sets = [
      { eot, timestampBegin, hasTimestamps: 1 },
      { eot: 8, timestampBegin: 9, hasTimestamps: 1 },
      { eot, timestampBegin: 100 },
    ];
    for (let set = 0; set < d.sets!; set++) rules.set(RULES.encode(sets[set]!), set * RULES.width);
  },
  rowState: (state, d) => {
    for (let row = 0; row < d.rows!; row++)
      state.set(ROW_STATE.encode({ token: 3, position: 10 + row, sequence: row }), row * ROW_STATE.width);
  },
  ruleState: (state, d) => {
    for (let row = 0; row < d.rows!; row++) {
      const cells = {
        sampled: row % 6,
        lastTimestamp: row === 2 ? 56 : 0,
        lastIsTimestamp: row % 2,
        penultimateIsTimestamp: 1,
        done: row % 6 === 3 ? 1 : 0,
        set: Math.floor(row / 6) % d.sets!,
      };
      state.set(RULE_STATE.encode(cells), row * RULE_STATE.width);
    }
  },
  loopState: (loop) => loop.set(LOOP_STATE.encode({ limit: 6 })),
  picked: (picked) => picked.fill(77),
};

function withIds(ids: Fill): Required<KernelCase>['fill'] {
  return { ...fill, ids };
}

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, perRow: 1, steps: 9, sets: 1 }, fill },
  { dims: { rows: 6, perRow: 2, steps: 7, sets: 1 }, fill, note: 'text, timestamp, eot, done, non-finite, limit' },
  { dims: { rows: 18, perRow: 1, steps: 7, sets: 3 }, fill, note: 'the same by three sets of rules' },
  { dims: { rows: 13, perRow: 1, steps: 7, sets: 2 }, fill, liveRows: 3 },
  {
    dims: { rows: 3, perRow: 1, steps: 8, sets: 1 },
    fill: /* @__PURE__ */ withIds((ids) => ids.fill(eot)),
    note: 'all rows end',
  },
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
