/**
 * The device's small tables of the rows that decode: what a step needs to know of each row, changed by the host or, in a
 * loop on the device, by `advanceRows`. All u32.
 *
 * | table     | shape             | a row is |
 * |-----------|-------------------|----------|
 * | rowState  | [rows, 4]         | a sequence that decodes: what it feeds next, and which caches are its |
 * | ruleState | [rows, 8]         | what the logit rules must know of what the sequence has sampled |
 * | rules     | [sets, 8]         | a set of rules: rows may have different ones |
 * | masks     | [sets, 2, maskWords] | of a set, bit i of word w: id 32 w + i is never sampled; is not sampled first |
 * | loopState | [1, 4]            | the loop over steps |
 * | picked    | [rows, steps, 2]  | a sampled token |
 */
import { columns } from '../../engine/columns.ts';
import type { HostArray } from '../../engine/dtype.ts';
import type { Args, Fill } from '../../engine/kernel.ts';
import { type LogitRules, type RuleState, ruleState, type TimestampRules } from '../../rules/logitRules.ts';

/** `sequence` is its slot in the self-attention cache, `audio` the one in the cross-attention cache. */
export const ROW_STATE = columns(['token', 'position', 'sequence', 'audio']);
/**
 * `lastTimestamp` is the id + 1, 0 for none; `noEndBefore` an id, 0 for none; `done` and the columns whose names are claims
 * are 0 or 1; `set` says which rules are the row's.
 */
export const RULE_STATE = columns([
  'sampled',
  'lastTimestamp',
  'lastIsTimestamp',
  'penultimateIsTimestamp',
  'done',
  'nonFinite',
  'noEndBefore',
  'set',
]);
/**
 * `timestampBegin` is nVocab in decoding without timestamps, `hasTimestamps` then 0. `initialEnd`: ids from here on are not
 * sampled first; 0 for no limit.
 */
export const RULES = columns(['eot', 'timestampBegin', 'initialEnd', 'hasTimestamps'], 8);
/** `done`: all rows are; `limit`: tokens that a row may sample. */
export const LOOP_STATE = columns(['done', 'limit'], 4);
/** `logprob`: the bits of an f32. */
export const PICKED = columns(['token', 'logprob']);

/** The tables among the arguments of every kernel that moves rows on by a token. */
export const ROW_TABLES = {
  rules: { access: 'read', dtype: 'u32', dims: ['sets', RULES.width] },
  rowState: { access: 'readwrite', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
  ruleState: { access: 'readwrite', dtype: 'u32', dims: ['rows', RULE_STATE.width] },
  loopState: { access: 'readwrite', dtype: 'u32', dims: [LOOP_STATE.width] },
} as const satisfies Args;

/** In lists of ids: no (further) allowed token. */
export const NO_TOKEN = 0xffffffff;
/** In lists of ids: the row's logits hold NaN or infinity. */
export const NON_FINITE_TOKEN = 0xfffffffe;

export function maskWords(nVocab: number): number {
  return Math.ceil(nVocab / 32);
}

export function encodeRules(rules: LogitRules, nVocab: number): Uint32Array {
  const ts = rules.timestamps;
  return Uint32Array.from(
    RULES.encode({
      eot: rules.eot,
      timestampBegin: ts?.begin ?? nVocab,
      initialEnd: ts?.maxInitial === undefined ? 0 : ts.begin + ts.maxInitial + 1,
      hasTimestamps: ts ? 1 : 0,
    }),
  );
}

/** The timestamp rules of a set; undefined if there are none. */
export function decodeRules(words: HostArray, set: number): Omit<TimestampRules, 'noTimestamps'> | undefined {
  const cell = (column: keyof typeof RULES.index): number => words[RULES.at(set, column)]!;
  const [begin, limit] = [cell('timestampBegin'), cell('initialEnd')];
  if (cell('hasTimestamps') === 0) return undefined;
  return { begin, eot: cell('eot'), maxInitial: limit === 0 ? undefined : limit - begin - 1 };
}

/** The two rows of a set's `masks`. */
export function encodeMasks(rules: LogitRules, nVocab: number): Uint32Array {
  const words = maskWords(nVocab);
  const masks = new Uint32Array(2 * words);
  const set = (row: number, id: number): void => {
    if (id < nVocab) masks[row * words + (id >>> 5)]! |= 1 << (id & 31);
  };
  for (const id of rules.suppress) set(0, id);
  if (rules.timestamps) set(0, rules.timestamps.noTimestamps);
  for (const id of rules.suppressAtStart) set(1, id);
  return masks;
}

/** Do the masks of a set forbid an id? */
export function isMasked(masks: HostArray, words: number, set: number, id: number, isFirst: boolean): boolean {
  const bit = (row: number): boolean => ((masks[(2 * set + row) * words + (id >>> 5)]! >>> (id & 31)) & 1) === 1;
  return bit(0) || (isFirst && bit(1));
}

/** One row of `ruleState` from the tokens it has sampled. @param set the number of its rules */
export function encodeRuleState(
  sampled: readonly number[],
  rules: LogitRules,
  noEndBefore: number,
  set: number,
): number[] {
  return ruleStateRow(ruleState(sampled, rules, noEndBefore), sampled.includes(rules.eot), set);
}

export function ruleStateRow(state: RuleState, isDone: boolean, set: number): number[] {
  return RULE_STATE.encode({
    sampled: state.sampled,
    lastTimestamp: state.lastTimestamp + 1,
    lastIsTimestamp: state.lastIsTimestamp ? 1 : 0,
    penultimateIsTimestamp: state.penultimateIsTimestamp ? 1 : 0,
    done: isDone ? 1 : 0,
    noEndBefore: state.noEndBefore,
    set,
  });
}

export function decodeRuleState(words: HostArray, row: number): RuleState {
  const cell = (column: keyof typeof RULE_STATE.index): number => words[RULE_STATE.at(row, column)]!;
  return {
    sampled: cell('sampled'),
    lastTimestamp: cell('lastTimestamp') - 1,
    lastIsTimestamp: cell('lastIsTimestamp') !== 0,
    penultimateIsTimestamp: cell('penultimateIsTimestamp') !== 0,
    noEndBefore: cell('noEndBefore'),
  };
}

/** For cases: tokens below `vocab`, positions below `ctx`, sequences and audio below `slots`. */
export function fillRowState(vocab: number, ctx: number, slots: number): Fill {
  return (words, _dims, random) => {
    const below = (n: number): number => Math.floor(random() * n);
    for (let row = 0; row < words.length / ROW_STATE.width; row++) {
      const state = { token: below(vocab), position: below(ctx), sequence: below(slots), audio: below(slots) };
      words.set(ROW_STATE.encode(state), row * ROW_STATE.width);
    }
  };
}
