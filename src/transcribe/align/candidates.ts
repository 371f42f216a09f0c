/**
 * Words of the text that were not recognised: said all the same, or not? The decoder is shown the known words in place of what
 * was recognised; it gives what is said a probability that is orders of magnitude above that of what is not, also where it
 * would have written something else itself.
 *
 * Measured with tiny on recordings of eight languages: of words that are said and were not recognised nine tenths are above
 * 0.0045 (geometric mean of their tokens), of wrong ones in their place all are below 0.0021. Sentences that are not said reach 0.02,
 * since a fluent text explains itself.
 */
import { FRAMES_PER_SECOND, N_FRAMES } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { roundHundredths } from '../../base/python.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import { type ScoredWord, scoredAlignment } from '../words/alignment.ts';
import type { KnownWord } from './knownText.ts';
import type { Gap, HeardWord, TextPiece } from './textMatch.ts';

/** Geometric mean of the probabilities of a word's tokens, in place of other words. */
const LEAST_IN_PLACE = 0.003;
/** The same of words where nothing was recognised, one by one and together. */
const LEAST_ADDED = 0.03;
/** Of all words together where none of the text was recognised. */
const LEAST_ALONE = 0.05;
/** So many words are no more one by one: a fluent text explains a part of its words itself. */
const MANY = 4;
/** Of so many words together, in place of others. */
const LEAST_OF_MANY = 0.01;
/** Words that were said and not recognised take at least a second for so many characters, and some go by unheard. */
const CHARACTERS_A_SECOND = 30;
const UNHEARD_CHARACTERS = 15;
/** Tokens of a window beside those of the text. */
const OTHER_TOKENS = 6;
/** Recognised words beyond those that the text has for them, from which on the text lacks something there. */
const SURPLUS = 3;

/** Both texts, and how they go together. */
export interface Texts {
  readonly known: readonly KnownWord[];
  readonly heard: readonly HeardWord[];
  readonly pieces: readonly TextPiece[];
}

/** A known word that was found, in seconds of the recording. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly probability: number;
}

/** Words between two that match. */
interface Candidate {
  readonly gap: Gap;
  /** The time that they may have: between those two, or, where nothing was heard between, from the middle of one to that of the other. */
  readonly start: number;
  readonly end: number;
  /** First frame of the window that it is looked for in. */
  readonly seek: number;
  /** Nothing else of the text was recognised. */
  readonly isAlone: boolean;
}

/** A word of a window, in order. */
interface Part {
  readonly tokens: readonly number[];
  /** Index of the known word that is looked for. */
  readonly known?: number;
  readonly candidate?: Candidate;
}

/** @returns known words that are said, by their index */
export async function findCandidates(
  model: SpeechModel,
  mel: LogMel,
  texts: Texts,
  language: string,
  signal: AbortSignal | undefined,
): Promise<Map<number, Found>> {
  const candidates = candidatesOf(texts, framesToSeconds(mel.nFrames));
  const found = new Map<number, Found>();
  for (const seek of new Set([...candidates.values()].map((candidate) => candidate.seek))) {
    signal?.throwIfAborted();
    const parts = partsOf(seek, texts, candidates, model);
    const textTokens = parts.flatMap(({ tokens }) => tokens);
    const size = Math.min(N_FRAMES, mel.nFrames - seek);
    if (size <= 0 || textTokens.length > model.inference.nTextCtx - OTHER_TOKENS) continue;
    const audio = await model.inference.encode(await mel.window(seek, size), signal);
    try {
      const input = { audio, textTokens, language, task: 'transcribe', nFrames: size } as const;
      judge(
        parts,
        await scoredAlignment(model.inference, model.tokenizer, input, signal),
        framesToSeconds(seek),
        found,
      );
    } finally {
      audio.close();
    }
  }
  return found;
}

function candidatesOf(
  {
    known,
    heard,
    pieces,
  }: {
    readonly known: readonly KnownWord[];
    readonly heard: readonly HeardWord[];
    readonly pieces: readonly TextPiece[];
  },
  duration: number,
): Map<Gap, Candidate> {
  const candidates = new Map<Gap, Candidate>();
  const isAlone = !pieces.some((piece) => 'match' in piece);
  for (const [i, piece] of pieces.entries()) {
    if (!('gap' in piece) || piece.gap.known.length === 0) continue;
    const { gap } = piece;
    const [before, after] = [pieces[i - 1], pieces[i + 1]];
    const last = before && 'match' in before ? before.match : undefined;
    const next = after && 'match' in after ? after.match : undefined;
    const own = gap.heard.map((h) => heard[h]!);
    const start = own[0]?.start ?? last?.end ?? 0;
    const end = own.at(-1)?.end ?? next?.start ?? duration;
    const length = gap.known.reduce((sum, k) => sum + known[k]!.word.length, 0);
    if (length > CHARACTERS_A_SECOND * (end - start) + UNHEARD_CHARACTERS) continue;
    const near = [own[0]?.seek, last && heard[last.heard]?.seek, next && heard[next.heard]?.seek];
    const isInside = (seek: number): boolean =>
      framesToSeconds(seek) <= start && end <= framesToSeconds(seek + N_FRAMES) + 0.01;
    const seek = near.find((one) => one !== undefined && isInside(one)) ?? Math.floor(start * FRAMES_PER_SECOND);
    const isHeard = own.length > 0;
    candidates.set(gap, {
      gap,
      start: isHeard || !last ? start : (last.start + last.end) / 2,
      end: isHeard || !next ? end : (next.start + next.end) / 2,
      seek,
      isAlone,
    });
  }
  return candidates;
}

/** What is said in a window: known words where they match or are looked for, recognised ones elsewhere. */
function partsOf(
  seek: number,
  {
    known,
    heard,
    pieces,
  }: {
    readonly known: readonly KnownWord[];
    readonly heard: readonly HeardWord[];
    readonly pieces: readonly TextPiece[];
  },
  candidates: ReadonlyMap<Gap, Candidate>,
  { tokenizer }: SpeechModel,
): Part[] {
  const isWindow = heard.some((word) => word.seek === seek);
  const [from, to] = [framesToSeconds(seek), framesToSeconds(seek + N_FRAMES)];
  const isIn = (word: HeardWord): boolean => (isWindow ? word.seek === seek : word.start >= from && word.end <= to);
  return pieces.flatMap((piece): Part[] => {
    if ('match' in piece) {
      const { match } = piece;
      return isIn(heard[match.heard]!) ? [{ tokens: known[match.known]!.tokens }] : [];
    }
    const { gap } = piece;
    const candidate = candidates.get(gap);
    const said = (words: readonly number[]): Part[] =>
      words.flatMap((h) => (isIn(heard[h]!) ? [{ tokens: tokenizer.encode(heard[h]!.word) }] : []));
    if (candidate?.seek !== seek) return said(gap.heard);
    const sought = gap.known.map((k): Part => ({ tokens: known[k]!.tokens, known: k, candidate }));
    return gap.surplus.length > SURPLUS ? [...sought, ...said(gap.surplus)] : sought;
  });
}

/** Keeps what is likely, with its time. */
function judge(parts: readonly Part[], words: readonly ScoredWord[], offset: number, found: Map<number, Found>): void {
  // Both are the same tokens, cut into words twice.
  const tokens = words.flatMap((word) => word.tokenProbs.map((probability) => ({ probability, word })));
  let at = 0;
  const scored = parts.flatMap(({ tokens: own, known, candidate }) => {
    const scores = tokens.slice(at, at + own.length);
    at += own.length;
    const [first, last] = [scores[0], scores.at(-1)];
    return known !== undefined && candidate && first && last ? [{ known, candidate, scores, first, last }] : [];
  });
  for (const one of scored) {
    const { known, candidate, scores, first, last } = one;
    const { gap, start, end } = candidate;
    const isInPlace = 2 * gap.heard.length >= gap.known.length;
    const all = scored.filter((other) => other.candidate === candidate).flatMap((other) => other.scores);
    const inPlace = gap.known.length >= MANY ? LEAST_OF_MANY : LEAST_IN_PLACE;
    const least = candidate.isAlone ? LEAST_ALONE : isInPlace ? inPlace : LEAST_ADDED;
    const together = isInPlace && gap.known.length < MANY && !candidate.isAlone ? scores : all;
    if (likelihood(together) < least || likelihood(scores) < LEAST_IN_PLACE) continue;
    const clip = (time: number): number => roundHundredths(Math.min(end, Math.max(start, offset + time)));
    const probability = scores.reduce((sum, score) => sum + score.probability, 0) / scores.length;
    found.set(known, { start: clip(first.word.start), end: clip(last.word.end), probability });
  }
}

/** Geometric mean. */
function likelihood(scores: readonly { readonly probability: number }[]): number {
  const sum = scores.reduce((total, { probability }) => total + Math.log(Math.max(probability, 1e-12)), 0);
  return Math.exp(sum / scores.length);
}
