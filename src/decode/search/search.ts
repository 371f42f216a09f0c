/** What greedy decoding, sampling and beam search have in common: from running rows to finished candidates. */
import type { Decoding, PickedSequence } from '../inference.ts';

/** One candidate for the tokens of a window. */
export interface Hypothesis {
  /** Sampled tokens, without the `eot` after them. */
  readonly tokens: readonly number[];
  /** log-probability of each of them, f32. */
  readonly logprobs: readonly number[];
  /** Sum of their log-probabilities and, where it was sampled, `eot`'s; summed in f32. */
  readonly sumLogprob: number;
}

export interface SearchGroup {
  readonly rows: number;
  /** Most tokens a row of this group may sample. */
  readonly limit: number;
  /** Number of this window's stream of random draws: windows draw independently. */
  readonly stream: number;
  /** As in `DecodeGroup`. */
  readonly noEndBefore?: number;
}

/** Decodes all groups to their end; gives each one's candidates in the order in which ties are decided. */
export type Search = (
  decoding: Decoding,
  groups: readonly SearchGroup[],
  signal?: AbortSignal,
) => Promise<readonly (readonly Hypothesis[])[]>;

/** Makes a candidate of what a row sampled, up to and including its first `eot`. */
function hypothesis(tokens: readonly number[], logprobs: readonly number[], eot: number): Hypothesis {
  let sumLogprob = 0;
  for (const logprob of logprobs) sumLogprob = Math.fround(sumLogprob + logprob);
  const end = tokens.at(-1) === eot ? tokens.length - 1 : tokens.length;
  return { tokens: tokens.slice(0, end), logprobs: logprobs.slice(0, end), sumLogprob };
}

/** Candidates of each group from what its rows sampled; the rows of all groups are one after the other. */
export function hypothesesOf(
  groups: readonly SearchGroup[],
  sequences: readonly PickedSequence[],
  eot: number,
): Hypothesis[][] {
  let end = 0;
  return groups.map(({ rows }) => {
    end += rows;
    return sequences.slice(end - rows, end).map(({ tokens, logprobs }) => hypothesis(tokens, logprobs, eot));
  });
}
