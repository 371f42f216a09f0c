/**
 * The most probable token at every step.
 *
 * @see openai/whisper, whisper/decoding.py: GreedyDecoder at temperature 0
 */
import type { Decoding, PickedSequence } from '../inference.ts';
import { hypothesesOf, type Search } from './search.ts';

export function greedySearch(eot: number): Search {
  return async (decoding, groups, signal) => {
    const limits = groups.flatMap(({ rows, limit }) => Array<number>(rows).fill(limit));
    const first = limits[0]!;
    const picked = limits.every((limit) => limit === first)
      ? await decoding.run(first, signal)
      : await stepByStep(decoding, limits, eot, signal);
    return hypothesesOf(groups, picked, eot);
  };
}

/** As `Decoding.run`, for rows that may not all sample as many tokens. */
async function stepByStep(
  decoding: Decoding,
  limits: readonly number[],
  eot: number,
  signal?: AbortSignal,
): Promise<PickedSequence[]> {
  const rows = limits.map(() => ({ tokens: [] as number[], logprobs: [] as number[] }));
  for (;;) {
    signal?.throwIfAborted();
    const best = await decoding.candidates(1, signal);
    let running = false;
    const next = rows.map(({ tokens, logprobs }, r) => {
      if (tokens.at(-1) === eot || tokens.length >= limits[r]!) return eot;
      tokens.push(best.tokens[r]!);
      logprobs.push(best.logprobs[r]!);
      running ||= best.tokens[r] !== eot && tokens.length < limits[r]!;
      return best.tokens[r]!;
    });
    if (!running) return rows;
    decoding.advance(next);
  }
}
