/**
 * Second half of choosing tokens: merges the chunks of a row, lets timestamps win when their sum outweighs the best text
 * token, and gives the `perRow` best ids with their log-probabilities.
 *
 * logits: [rows, nVocab]; rules, ruleState: decodeState.ts; stats, bestIds: from tokenStats.ts; ids, logprobs: [rows, perRow], best
 * first, ties to the lower id; `NO_TOKEN` and MASKED where nothing more is allowed; `NON_FINITE_TOKEN` and 0 in the whole
 * row when a logit is NaN or infinite.
 *
 *   timestamps only, if log sum exp(timestamps) > max(text);  log-probability = logit - log sum exp(what is left)
 *
 * @see openai/whisper, whisper/decoding.py, ApplyTimestampRules
 */
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { MASKED, timestampsWin } from '../../rules/logitRules.ts';
import { NO_TOKEN, NON_FINITE_TOKEN, RULE_STATE, RULES } from './decodeState.ts';
import { chunkCount, chunkRange, STATS, textChunkCount } from './vocabularyChunks.ts';

export const chooseTokens = defineKernel({
  name: 'chooseTokens',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    rules: { access: 'read', dtype: 'u32', dims: ['sets', RULES.width] },
    ruleState: { access: 'read', dtype: 'u32', dims: ['rows', RULE_STATE.width] },
    stats: { access: 'read', dtype: 'f32', dims: ['rows', 'chunks', STATS.width] },
    bestIds: { access: 'read', dtype: 'u32', dims: ['rows', 'chunks', 'perRow'] },
    ids: { access: 'write', dtype: 'u32', dims: ['rows', 'perRow'] },
    logprobs: { access: 'write', dtype: 'f32', dims: ['rows', 'perRow'] },
  },
  params: {},
  cost: ({ rows, chunks, perRow }) => ({ flops: 20 * rows * chunks * perRow, bytes: 4 * rows * chunks * (4 + perRow) }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).chooseTokens,
    wasm: async () => (await import('../wasm.ts')).chooseTokens,
  },
});

export const reference: Reference<typeof chooseTokens> = (
  { logits, rules, ruleState, stats, bestIds, ids, logprobs },
  { nVocab, chunks, perRow },
  _params,
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const set = ruleState[RULE_STATE.at(row, 'set')]!;
    const textChunks = textChunkCount(rules[RULES.at(set, 'timestampBegin')]!);
    const hasTimestamps = rules[RULES.at(set, 'hasTimestamps')] !== 0;
    const stat = (chunk: number, column: keyof typeof STATS.index): number =>
      stats[STATS.at(row * chunks + chunk, column)]!;
    const range = (begin: number, end: number): { max: number; logSum: number } => {
      let max = MASKED;
      for (let c = begin; c < end; c++) max = Math.max(max, stat(c, 'max'));
      let sum = 0;
      for (let c = begin; c < end; c++) sum += stat(c, 'sum') * Math.exp(stat(c, 'max') - max);
      return { max, logSum: sum > 0 ? max + Math.log(sum) : MASKED };
    };
    const isTimestamp = hasTimestamps && timestampsWin(range(textChunks, chunks).logSum, range(0, textChunks).max);
    const first = isTimestamp ? textChunks : 0;
    const { logSum } = range(first, chunks);
    let nonFinite = false;
    const candidates: number[] = [];
    for (let c = 0; c < chunks; c++) {
      if (stat(c, 'nonFinite') !== 0) nonFinite = true;
      for (let i = 0; i < perRow; i++) {
        const id = bestIds[(row * chunks + c) * perRow + i]!;
        if (c >= first && id !== NO_TOKEN) candidates.push(id);
      }
    }
    const value = (id: number): number => logits[row * nVocab + id]!;
    candidates.sort((a, b) => value(b) - value(a) || a - b);
    for (let i = 0; i < perRow; i++) {
      const id = candidates[i];
      const at = row * perRow + i;
      ids[at] = nonFinite ? NON_FINITE_TOKEN : (id ?? NO_TOKEN);
      logprobs[at] = nonFinite ? 0 : id === undefined ? MASKED : value(id) - logSum;
    }
  }
};

const timestampBegin = 2002;

/** Stats and best ids that belong to these logits, as tokenStats makes them with nothing forbidden. */
function consistent(perRow: number, nonFiniteChunk?: number): Required<KernelCase>['fill'] {
  const each = (
    d: KernelCase['dims'],
    random: () => number,
    visit: (at: number, begin: number, end: number, allowed: boolean, value: (id: number) => number) => void,
  ): void => {
    const rows = d.rows!;
    for (let row = 0; row < rows; row++)
      for (let chunk = 0; chunk < d.chunks!; chunk++) {
        const [begin, end] = chunkRange(chunk, timestampBegin, d.nVocab!);
        // Row 3 has no timestamp allowed, row 4 no text.
        const text = begin < timestampBegin;
        visit(row * d.chunks! + chunk, begin, end, !((row === 3 && !text) || (row === 4 && text)), (id) =>
          logitOf(row, id),
        );
      }
    random();
  };
  return {
    logits: (x, d) => {
      for (let row = 0; row < d.rows!; row++)
        for (let id = 0; id < d.nVocab!; id++) x[row * d.nVocab! + id] = logitOf(row, id);
    },
    rules: (rules, d) => {
      for (let set = 0; set < d.sets!; set++)
        rules.set(RULES.encode({ eot: 2000, timestampBegin, hasTimestamps: set === 0 ? 1 : 0 }), set * RULES.width);
    },
    ruleState: (words, d) => {
      for (let row = 0; row < d.rows!; row++)
        words.set(RULE_STATE.encode({ set: row % d.sets! }), row * RULE_STATE.width);
    },
    stats: (stats, d, random) =>
      each(d, random, (at, begin, end, allowed, value) => {
        let max = MASKED;
        let sum = 0;
        if (allowed) {
          for (let id = begin; id < end; id++) max = Math.max(max, value(id));
          for (let id = begin; id < end; id++) sum += Math.exp(value(id) - max);
        }
        stats.set(STATS.encode({ max, sum, nonFinite: at === nonFiniteChunk ? 1 : 0 }), at * STATS.width);
      }),
    bestIds: (best, d, random) =>
      each(d, random, (at, begin, end, allowed, value) => {
        const order = allowed ? Array.from({ length: end - begin }, (_, i) => begin + i) : [];
        order.sort((a, b) => value(b) - value(a) || a - b);
        for (let i = 0; i < perRow; i++) best[at * perRow + i] = order[i] ?? NO_TOKEN;
      }),
  };
}

/** Few distinct values, so that ties abound; row 1 weighs its timestamps up, row 2 has one best text. */
function logitOf(row: number, id: number): number {
  const base = ((id * 2654435761 + row * 40503) >>> 20) % 7;
  if (row === 1 && id >= timestampBegin) return base + 4;
  if (row === 2 && id === 77) return 30;
  return base;
}

function sizes(rows: number, nVocab: number, perRow: number, more?: Partial<KernelCase>): KernelCase {
  return {
    fill: consistent(perRow),
    ...more,
    dims: { rows, nVocab, chunks: chunkCount(nVocab), perRow, sets: 1, ...more?.dims },
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 2042, 1),
  /* @__PURE__ */ sizes(5, 2042, 1, { note: 'text, timestamps, one best, no timestamps, no text' }),
  /* @__PURE__ */ sizes(5, 2042, 6, { note: 'ties to the lower id' }),
  /* @__PURE__ */ sizes(5, 2042, 2, {
    fill: /* @__PURE__ */ consistent(2, 1),
    note: 'a non-finite chunk spoils its row',
  }),
  /* @__PURE__ */ sizes(8, 3503, 3, { liveRows: 5 }),
  /* @__PURE__ */ sizes(10, 3503, 2, { dims: { sets: 2 }, note: 'timestamps weigh for every second row alone' }),
  /* @__PURE__ */ sizes(6, 51865, 6, { bench: true, note: 'real size' }),
];

export const tolerance = (): Tolerance => ({ absolute: 2e-5, relative: 0 });
