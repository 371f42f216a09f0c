/**
 * The tables of beam search on the device (`advanceBeams`), where the rows of a group are its beams. All u32, and one tensor, since
 * a shader may have eight:
 *
 * | table  | shape               | a row is |
 * |--------|---------------------|----------|
 * | moves  | [rows, 8]           | what a beam becomes in this step |
 * | groups | [groups, 4]         | a window's search |
 * | ended  | [groups, wanted, 4] | a candidate that has ended: it is what its beam was before the step |
 * | path   | [steps, rows, 4]    | the token that a beam took in a step, and which beam of the step before it continues |
 */
import { columns } from '../../engine/columns.ts';

/**
 * Of the old beam: `total`, the bits of its sum of log-probabilities; `cursor`, the next of its tokens that is not ranked yet. Of
 * the new one: which it continues (counted within the group), by which token, the bits of its log-probability and of their sum,
 * and two columns of that beam's `ruleState`.
 */
export const MOVES = columns([
  'cursor',
  'source',
  'token',
  'logprob',
  'sum',
  'lastTimestamp',
  'lastIsTimestamp',
  'total',
]);
/** `ended`: candidates so far; `steps` that were made; `done`: 0, or one of `GROUP_DONE`. */
export const GROUPS = columns(['ended', 'steps', 'done'], 4);
/** `short`: there were not enough allowed tokens for all beams; `nonFinite`: a logit was not. The search is then not over. */
export const GROUP_DONE = { over: 1, short: 2, nonFinite: 3 } as const;
/** `beam` within the group; the bits of `eot`'s log-probability, and of its sum with those of the beam. */
export const ENDED = columns(['beam', 'step', 'logprob', 'sum']);
/** Bits, as above. */
export const PATH = columns(['token', 'logprob', 'source', 'sum']);

/** Of a search on the device. */
export interface SearchSize {
  readonly rows: number;
  readonly beamSize: number;
  /** Candidates of each group. */
  readonly wanted: number;
  readonly steps: number;
}

/** Where the tables of a search begin, in rows of four words. */
export function searchLayout({ rows, beamSize, wanted, steps }: SearchSize) {
  const groups = rows / beamSize;
  const [atGroups, atEnded] = [2 * rows, 2 * rows + groups];
  const atPath = atEnded + groups * wanted;
  return { groups: atGroups, ended: atEnded, path: atPath, end: atPath + steps * rows };
}
