/**
 * A step of beam search, on the device: of all continuations of a window's beams the best go on, until enough have ended.
 *
 * ids, logprobs: [rows, perRow] from chooseTokens.ts, best first; the tables: decodeState.ts, searchState.ts. slotOf: [rows, steps], where each
 * position of each sequence lies in the self-attention cache: it follows the beams, no key and no value moves. A row's sequence is
 * the row.
 *
 * Continuations are ranked by their sum, equal ones by their beam; of a window's first step, in which all beams are alike, those of
 * the first one alone. One that ends is a candidate if it ranks before the last beam that goes on. A group is done when it has
 * `wanted` candidates or has sampled `limit` tokens; it then stands still, so that further repetitions of a step change nothing.
 *
 * @see openai/whisper, whisper/decoding.py: BeamSearchDecoder; decode/search/beamSearch.ts, which does the same on the host
 */
import type { HostArray } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { nextRuleState } from '../../rules/logitRules.ts';
import {
  decodeRuleState,
  decodeRules,
  LOOP_STATE,
  NO_TOKEN,
  NON_FINITE_TOKEN,
  ROW_STATE,
  ROW_TABLES,
  RULE_STATE,
  RULES,
  ruleStateRow,
} from './decodeState.ts';
import { ENDED, GROUP_DONE, GROUPS, MOVES, PATH, type SearchSize, searchLayout } from './searchState.ts';

export const advanceBeams = defineKernel({
  name: 'advanceBeams',
  args: {
    ids: { access: 'read', dtype: 'u32', dims: ['rows', 'perRow'] },
    logprobs: { access: 'read', dtype: 'f32', dims: ['rows', 'perRow'] },
    ...ROW_TABLES,
    slotOf: { access: 'readwrite', dtype: 'u32', dims: ['rows', 'steps'] },
    search: { access: 'readwrite', dtype: 'u32', dims: ['searchRows', 4] },
  },
  params: { beamSize: 1, wanted: 1 },
  check: ({ rows, perRow, steps, searchRows }, { beamSize, wanted }) => {
    if (rows % beamSize !== 0) return `${rows} rows are no groups of ${beamSize} beams each`;
    if (perRow <= beamSize) return `of ${beamSize} beams, ${perRow} tokens each are too few`;
    const { end } = searchLayout({ rows, beamSize, wanted, steps });
    return searchRows === end ? undefined : `the tables of the search have ${end} rows, not ${searchRows}`;
  },
  cost: ({ rows, perRow, steps }) => ({ flops: rows * perRow, bytes: rows * (8 * perRow + 8 * steps + 128) }),
  variants: {
    // A page that decodes without beams does not load them.
    webgpu: async () => (await import('./advanceBeams.wgsl.ts')).variants,
    wasm: async () => (await import('./advanceBeams.wasm.ts')).variants,
  },
});

const view = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

function floatOf(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

function searchTables(words: HostArray, size: SearchSize) {
  const at = searchLayout(size);
  const table = (begin: number, end: number): HostArray => words.subarray(4 * begin, 4 * end);
  return {
    moves: table(0, at.groups),
    groups: table(at.groups, at.ended),
    ended: table(at.ended, at.path),
    path: table(at.path, at.end),
  };
}

export const reference: Reference<typeof advanceBeams> = (
  { ids, logprobs, rules, rowState, ruleState, loopState, slotOf, search },
  { rows, perRow, steps },
  { beamSize, wanted },
  liveRows,
) => {
  const { moves, groups, ended, path } = searchTables(search, { rows, beamSize, wanted, steps });
  const limit = loopState[LOOP_STATE.index.limit]!;
  const move = (row: number, column: keyof typeof MOVES.index): number => moves[MOVES.at(row, column)]!;
  let isAllDone = true;
  for (let group = 0; group < liveRows / beamSize; group++) {
    const first = group * beamSize;
    const beams = Array.from({ length: beamSize }, (_, beam) => first + beam);
    const end = (why: number): void => {
      groups[GROUPS.at(group, 'done')] = why;
    };
    if (groups[GROUPS.at(group, 'done')] !== 0) continue;
    if (beams.some((row) => ids[row * perRow] === NON_FINITE_TOKEN)) {
      end(GROUP_DONE.nonFinite);
      continue;
    }
    const set = ruleState[RULE_STATE.at(first, 'set')]!;
    const eot = rules[RULES.at(set, 'eot')];
    const step = ruleState[RULE_STATE.at(first, 'sampled')]!;
    for (const row of beams) moves[MOVES.at(row, 'cursor')] = 0;
    let kept = 0;
    let isShort = false;
    while (kept < beamSize && !isShort) {
      let best: { beam: number; at: number; sum: number } | undefined;
      for (let beam = 0; beam < (step === 0 ? 1 : beamSize); beam++) {
        const cursor = move(first + beam, 'cursor');
        if (cursor === perRow) continue;
        const at = (first + beam) * perRow + cursor;
        const sum = Math.fround(floatOf(move(first + beam, 'total')) + logprobs[at]!);
        if (!best || sum > best.sum) best = { beam, at, sum };
      }
      const token = best ? ids[best.at]! : NO_TOKEN;
      if (!best || token === NO_TOKEN) {
        isShort = true;
        break;
      }
      moves[MOVES.at(first + best.beam, 'cursor')]! += 1;
      if (token !== eot) {
        const row = first + kept++;
        const from = first + best.beam;
        moves[MOVES.at(row, 'source')] = best.beam;
        moves[MOVES.at(row, 'token')] = token;
        moves[MOVES.at(row, 'logprob')] = bitsOf(logprobs[best.at]!);
        moves[MOVES.at(row, 'sum')] = bitsOf(best.sum);
        for (const column of ['lastTimestamp', 'lastIsTimestamp'] as const)
          moves[MOVES.at(row, column)] = ruleState[RULE_STATE.at(from, column)]!;
        continue;
      }
      const place = groups[GROUPS.at(group, 'ended')]!;
      if (place === wanted) continue;
      const candidate = ENDED.encode({
        beam: best.beam,
        step,
        logprob: bitsOf(logprobs[best.at]!),
        sum: bitsOf(best.sum),
      });
      ended.set(candidate, (group * wanted + place) * ENDED.width);
      groups[GROUPS.at(group, 'ended')] = place + 1;
    }
    if (isShort) {
      end(GROUP_DONE.short);
      continue;
    }
    const isOver = groups[GROUPS.at(group, 'ended')]! >= wanted || step + 1 >= limit;
    groups[GROUPS.at(group, 'steps')] = step + 1;
    if (isOver) end(GROUP_DONE.over);
    else isAllDone = false;
    const timestamps = decodeRules(rules, set);
    const before = beams.map((row) => decodeRuleState(ruleState, row));
    const places = beams.map((row) => slotOf.slice(row * steps, (row + 1) * steps));
    for (const row of beams) {
      const [source, token] = [move(row, 'source'), move(row, 'token')];
      const sum = move(row, 'sum');
      moves[MOVES.at(row, 'total')] = sum;
      path.set(PATH.encode({ token, logprob: move(row, 'logprob'), source, sum }), (step * rows + row) * PATH.width);
      ruleState.set(
        ruleStateRow(nextRuleState(before[source]!, token, timestamps?.begin), false, set),
        row * RULE_STATE.width,
      );
      if (isOver) continue;
      const position = rowState[ROW_STATE.at(row, 'position')]! + 1;
      rowState[ROW_STATE.at(row, 'token')] = token;
      rowState[ROW_STATE.at(row, 'position')] = position;
      slotOf.set(places[source]!, row * steps);
      slotOf[row * steps + position] = row;
    }
  }
  loopState[LOOP_STATE.index.done] = isAllDone ? 1 : 0;
};

const [eot, timestampBegin] = [40, 50];

interface Scene {
  /** Tokens that each beam has sampled. */
  readonly sampled?: number;
  readonly limit?: number;
  /** Of beam `beam`, its k-th best token. */
  readonly token?: (beam: number, k: number, group: number) => number;
  readonly done?: (group: number) => number;
  readonly alreadyEnded?: number;
}

/** Log-probabilities in steps of 1/4, so that sums are often equal. */
function scene(
  { sampled = 3, limit = 20, token, done = () => 0, alreadyEnded = 0 }: Scene,
  { beamSize, wanted }: { readonly beamSize: number; readonly wanted: number },
): Required<KernelCase>['fill'] {
  const each =
    (visit: (row: number, beam: number, group: number) => void) =>
    (d: KernelCase['dims']): void => {
      for (let row = 0; row < d.rows!; row++) visit(row, row % beamSize, Math.floor(row / beamSize));
    };
  const tokenOf = token ?? ((beam, k) => (k === 1 && beam % 2 === 0 ? eot : k === 2 ? 55 + beam : 10 * beam + k));
  return {
    ids: (ids, d) =>
      each((row, beam, group) => {
        for (let k = 0; k < d.perRow!; k++) ids[row * d.perRow! + k] = tokenOf(beam, k, group);
      })(d),
    logprobs: (logprobs, d, random) =>
      each((row) => {
        let logprob = 0;
        for (let k = 0; k < d.perRow!; k++) {
          logprob -= Math.floor(3 * random()) / 4;
          logprobs[row * d.perRow! + k] = logprob;
        }
      })(d),
    rules: (rules, d) => {
      for (let set = 0; set < d.sets!; set++)
        rules.set(RULES.encode({ eot, timestampBegin, hasTimestamps: set === 0 ? 1 : 0 }), set * RULES.width);
    },
    rowState: (state, d) =>
      each((row) =>
        state.set(
          ROW_STATE.encode({ token: 3, position: 1 + sampled, sequence: row, audio: 0 }),
          row * ROW_STATE.width,
        ),
      )(d),
    ruleState: (state, d) =>
      each((row, beam, group) => {
        const cells = { sampled, lastTimestamp: beam === 1 ? 52 : 0, lastIsTimestamp: beam % 2, set: group % d.sets! };
        state.set(RULE_STATE.encode(cells), row * RULE_STATE.width);
      })(d),
    loopState: (loop) => loop.set(LOOP_STATE.encode({ limit })),
    slotOf: (slots, d, random) => {
      for (let i = 0; i < slots.length; i++) slots[i] = Math.floor(random() * d.rows!);
    },
    search: (search, d, random) => {
      const size = { rows: d.rows!, beamSize, wanted, steps: d.steps! };
      const { moves, groups } = searchTables(search.fill(77), size);
      for (let row = 0; row < size.rows; row++)
        moves[MOVES.at(row, 'total')] = sampled === 0 ? 0 : bitsOf(-Math.floor(4 * random()) / 4);
      for (let group = 0; group < size.rows / beamSize; group++)
        groups.set(GROUPS.encode({ done: done(group), ended: alreadyEnded, steps: sampled }), group * GROUPS.width);
    },
  };
}

function sizes(groups: number, beamSize: number, wanted: number, more: Scene & { note?: string; live?: number } = {}) {
  const { note, live, ...given } = more;
  const [rows, steps, params] = [groups * beamSize, 24, { beamSize, wanted }];
  const { end } = searchLayout({ rows, steps, ...params });
  const dims = { rows, perRow: beamSize + 1, steps, sets: Math.min(2, groups), searchRows: end };
  return {
    dims,
    params,
    fill: scene(given, params),
    ...(note && { note }),
    ...(live && { liveRows: live * beamSize }),
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 1, 1),
  /* @__PURE__ */ sizes(1, 5, 5),
  /* @__PURE__ */ sizes(1, 5, 5, { sampled: 0, note: 'the first step: beams are alike' }),
  /* @__PURE__ */ sizes(3, 2, 2, { done: (group) => (group === 1 ? GROUP_DONE.over : 0), note: 'one group is done' }),
  /* @__PURE__ */ sizes(4, 3, 3, { live: 2 }),
  /* @__PURE__ */ sizes(2, 4, 2, { alreadyEnded: 1, note: 'enough have ended' }),
  /* @__PURE__ */ sizes(1, 3, 6, { limit: 4, note: 'the last token' }),
  /* @__PURE__ */ sizes(2, 3, 3, {
    token: (_beam, k, group) => (group === 1 ? NON_FINITE_TOKEN : k),
    note: 'a group whose logits are not finite',
  }),
  /* @__PURE__ */ sizes(1, 4, 4, {
    token: (beam, k) => (beam === 2 ? NON_FINITE_TOKEN : k),
    note: 'a beam whose logits are not finite',
  }),
  /* @__PURE__ */ sizes(2, 4, 4, {
    token: (beam, k, group) => (group === 0 && (beam > 0 || k > 2) ? NO_TOKEN : k),
    note: 'too few tokens are allowed',
  }),
  /* @__PURE__ */ sizes(2, 3, 3, { token: (_beam, k) => (k === 0 ? eot : k), note: 'each beam wants to end' }),
  /* @__PURE__ */ sizes(7, 30, 30, { note: '210 rows' }),
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
