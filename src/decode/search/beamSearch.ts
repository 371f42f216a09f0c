/**
 * Beam search: the best `beamSize` beginnings are kept at every step, until enough of them have ended.
 *
 * Scores are plain sums of log-probabilities during the search; a candidate that ends is recorded only if it ranks
 * before the last beam that is kept; nothing stops the search early. All three are openai/whisper's ways and change results.
 *
 * @see openai/whisper, whisper/decoding.py: BeamSearchDecoder
 */
import type { Candidates } from '../inference.ts';
import type { Hypothesis, Search } from './search.ts';

export interface BeamSearchOptions {
  readonly beamSize: number;
  /** Ended candidates at which the search is over. */
  readonly wanted: number;
  readonly eot: number;
  /** Told of every step of every group, for those who look inside. */
  readonly onStep?: ((step: BeamStep) => void) | undefined;
}

/** What became of the continuations of one group's beams in one step. */
export interface BeamStep {
  readonly group: number;
  /** Tokens of each beam before it. */
  readonly step: number;
  /** All, best first. Those that are in neither of the lists below are dropped. */
  readonly ranked: readonly Continuation[];
  /** The next step's beams, in this order. */
  readonly kept: readonly Continuation[];
  /** Those that have ended, and are candidates. */
  readonly finished: readonly Continuation[];
}

export interface Continuation {
  /** Which beam of the group it continues. */
  readonly source: number;
  readonly token: number;
  readonly logprob: number;
  readonly score: number;
}

export function beamSearch({ beamSize, wanted, eot, onStep }: BeamSearchOptions): Search {
  return async (decoding, groups, signal) => {
    const searches = groups.map(({ limit }) => ({
      limit,
      beams: Array.from({ length: beamSize }, (): Hypothesis => ({ tokens: [], logprobs: [], sumLogprob: 0 })),
      finished: [] as Hypothesis[],
      done: false,
    }));
    for (let step = 0; ; step++) {
      signal?.throwIfAborted();
      const candidates = await decoding.candidates(beamSize + 1, signal);
      const tokens: number[] = [];
      const sources: number[] = [];
      const continueAs = (row: number, token: number): void => {
        sources.push(row);
        tokens.push(token);
      };
      searches.forEach((search, g) => {
        const first = g * beamSize;
        if (search.done) {
          for (let r = 0; r < beamSize; r++) continueAs(first + r, eot);
          return;
        }
        // All rows begin alike, and openai/whisper counts equal sequences once: of step 0 the first row says all.
        const ranked = rank(search.beams.slice(0, step === 0 ? 1 : beamSize), candidates, first);
        const { ended, kept } = split(ranked, beamSize, eot);
        const finished = ended.slice(0, Math.max(0, wanted - search.finished.length));
        for (const end of finished) {
          const { tokens, logprobs } = search.beams[end.source]!;
          search.finished.push({ tokens, logprobs, sumLogprob: end.score });
        }
        onStep?.({ group: g, step, ranked, kept, finished });
        search.beams = kept.map(({ source, token, logprob, score }) => ({
          tokens: [...search.beams[source]!.tokens, token],
          logprobs: [...search.beams[source]!.logprobs, logprob],
          sumLogprob: score,
        }));
        for (const { source, token } of kept) continueAs(first + source, token);
        search.done = search.finished.length >= wanted || step + 1 >= search.limit;
      });
      if (searches.every(({ done }) => done)) break;
      decoding.advance(tokens, sources);
    }
    return searches.map(({ finished, beams }) => topUp(finished, beams, beamSize));
  };
}

/** All continuations of one group, best first; equal ones in the order row by row, best first. */
function rank(beams: readonly Hypothesis[], candidates: Candidates, firstRow: number): Continuation[] {
  const { perRow } = candidates;
  const all = beams.flatMap(({ sumLogprob }, source) =>
    Array.from({ length: perRow }, (_, k): Continuation => {
      const at = (firstRow + source) * perRow + k;
      const logprob = candidates.logprobs[at]!;
      return { source, token: candidates.tokens[at]!, logprob, score: Math.fround(sumLogprob + logprob) };
    }),
  );
  // Not by a difference: minus infinity less minus infinity is no number.
  return all.sort((a, b) => (a.score > b.score ? -1 : a.score < b.score ? 1 : 0));
}

/** The `beamSize` best that go on, and those that end before the last of them. */
function split(ranked: readonly Continuation[], beamSize: number, eot: number) {
  const ended: Continuation[] = [];
  const kept: Continuation[] = [];
  for (const continuation of ranked) {
    if (continuation.token === eot) {
      ended.push(continuation);
      continue;
    }
    kept.push(continuation);
    if (kept.length === beamSize) break;
  }
  return { ended, kept };
}

/** With fewer than `beamSize` finished, running beams count as candidates too, the best first (of equals the last). */
export function topUp(
  finished: readonly Hypothesis[],
  beams: readonly Hypothesis[],
  beamSize: number,
): readonly Hypothesis[] {
  const best = ({ sumLogprob: a }: Hypothesis, { sumLogprob: b }: Hypothesis): number => (a > b ? -1 : a < b ? 1 : 0);
  const running = [...beams].reverse().sort(best);
  return [...finished, ...running.slice(0, Math.max(0, beamSize - finished.length))];
}
