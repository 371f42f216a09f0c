/**
 * The device's small tables of the rows that decode: what a step needs to know of each row, changed by the host or, in a
 * loop on the device, by `advanceRows`. All u32.
 *
 * | table     | shape             | columns |
 * |-----------|-------------------|---------|
 * | rowState  | [rows, 4]         | token to feed, its position, sequence (its self-attention cache), audio (its cross-attention cache) |
 * | ruleState | [rows, 8]         | sampled, last timestamp id + 1 (0: none), last is a timestamp, last but one is, done, non-finite, 0, 0 |
 * | rules     | [8]               | eot, timestamp begin (nVocab: none), largest first timestamp id + 1 (0: no limit), timestamps on, 0, 0, 0, 0 |
 * | masks     | [2, maskWords]    | bit i of word w: id 32 w + i is never sampled / not sampled first |
 * | loop      | [4]               | all rows done, limit of sampled tokens, 0, 0 |
 * | picked    | [rows, steps, 2]  | token, log-probability (bits of an f32) |
 */
import { type LogitRules, type RuleState, ruleState } from '../../rules/logitRules.ts';

export const rowStateWidth = 4;
export const ruleStateWidth = 8;
export const rulesWidth = 8;
export const loopWidth = 4;

/** In `bestIds` and `ids`: no (further) allowed token. */
export const noToken = 0xffffffff;
/** In `ids`: the row's logits hold NaN or infinity. */
export const nonFiniteToken = 0xfffffffe;

/** Ids that one `logitChunks` unit looks at. */
export const chunkIds = 1024;

/** Chunks of text ids and chunks of timestamp ids, wherever the timestamps begin. */
export function chunkCount(nVocab: number): number {
  return Math.ceil(nVocab / chunkIds) + 1;
}

/** First and last id of a chunk; text chunks first, then those from `timestampBegin` on; later ones are empty. */
export function chunkRange(chunk: number, timestampBegin: number, nVocab: number): readonly [number, number] {
  const textChunks = Math.ceil(timestampBegin / chunkIds);
  if (chunk < textChunks) return [chunk * chunkIds, Math.min((chunk + 1) * chunkIds, timestampBegin)];
  const begin = Math.min(timestampBegin + (chunk - textChunks) * chunkIds, nVocab);
  return [begin, Math.min(begin + chunkIds, nVocab)];
}

export function maskWords(nVocab: number): number {
  return Math.ceil(nVocab / 32);
}

export function encodeRules(rules: LogitRules, nVocab: number): Uint32Array {
  const ts = rules.timestamps;
  const words = new Uint32Array(rulesWidth);
  words[0] = rules.eot;
  words[1] = ts ? ts.begin : nVocab;
  words[2] = ts?.maxInitial === undefined ? 0 : ts.begin + ts.maxInitial + 1;
  words[3] = ts ? 1 : 0;
  return words;
}

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

/** One row of `ruleState` from the tokens it has sampled. */
export function encodeRuleState(sampled: readonly number[], rules: LogitRules): Uint32Array {
  const state = ruleState(sampled, rules);
  const done = sampled.includes(rules.eot) ? 1 : 0;
  return Uint32Array.of(
    state.sampled,
    state.lastTimestamp + 1,
    state.lastIsTimestamp ? 1 : 0,
    state.penultimateIsTimestamp ? 1 : 0,
    done,
    0,
    0,
    0,
  );
}

export function decodeRuleState(words: ArrayLike<number>, at: number): RuleState {
  return {
    sampled: words[at]!,
    lastTimestamp: words[at + 1]! - 1,
    lastIsTimestamp: words[at + 2] !== 0,
    penultimateIsTimestamp: words[at + 3] !== 0,
  };
}

/** May `id` be sampled, before the rule that weighs timestamps against text? */
export function isAllowed(
  id: number,
  state: RuleState,
  rules: ArrayLike<number>,
  masks: ArrayLike<number>,
  words: number,
): boolean {
  const bit = (row: number): boolean => ((masks[row * words + (id >>> 5)]! >>> (id & 31)) & 1) === 1;
  if (bit(0) || (state.sampled === 0 && bit(1))) return false;
  if (rules[3] === 0) return true;
  const begin = rules[1]!;
  if (id < begin) {
    if (state.sampled === 0) return false;
    return !(state.lastIsTimestamp && !state.penultimateIsTimestamp && id < rules[0]!);
  }
  if (state.lastIsTimestamp && state.penultimateIsTimestamp) return false;
  if (state.lastTimestamp >= 0) {
    const allowEqual = state.lastIsTimestamp && !state.penultimateIsTimestamp;
    if (id < state.lastTimestamp || (id === state.lastTimestamp && !allowEqual)) return false;
  }
  return !(state.sampled === 0 && rules[2] !== 0 && id >= rules[2]!);
}
