/**
 * The most probable token at every step.
 *
 * @see openai/whisper, whisper/decoding.py: GreedyDecoder at temperature 0
 */
import { hypothesesOf, type Search } from './search.ts';

/** Step by step, for rows whose logits go through a filter or that may not all sample as many tokens. */
export function greedySearch(eot: number): Search {
  return async (decoding, groups, signal) => {
    const limits = groups.flatMap(({ rows, limit }) => Array<number>(rows).fill(limit));
    const rows = limits.map(() => ({ tokens: [] as number[], logprobs: [] as number[] }));
    for (;;) {
      signal?.throwIfAborted();
      const best = await decoding.candidates(1, signal);
      let isRunning = false;
      const next = rows.map(({ tokens, logprobs }, r) => {
        if (tokens.at(-1) === eot || tokens.length >= limits[r]!) return eot;
        tokens.push(best.tokens[r]!);
        logprobs.push(best.logprobs[r]!);
        isRunning ||= best.tokens[r] !== eot && tokens.length < limits[r]!;
        return best.tokens[r]!;
      });
      if (!isRunning) return hypothesesOf(groups, rows, eot);
      decoding.advance(next);
    }
  };
}
