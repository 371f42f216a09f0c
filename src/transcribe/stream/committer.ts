/** Commits the words of a stream: once committed, a word is never revised. */
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Segment, Word } from '../transcript.ts';
import { type Agreement, LocalAgreement } from './localAgreement.ts';
import type { DecodedSegment, DecodedSnapshot } from './snapshotDecoder.ts';
import { StreamSegments } from './streamSegments.ts';

/**
 * A word with a lower probability than this is committed, and the words after it are, only with so many seconds of sound
 * after it. Chosen on one speech of 328 s (tiny): 1.1 % of the words then differed from the batch run's instead of 2.4 %,
 * and the median delay was 2.1 s instead of 1.6. To wait for all words would need 3 s and more for the same.
 */
const MIN_CONFIDENCE = 0.7;
const CONFIRMATION_SECONDS = 4;

/** What was committed with a decode. */
export interface Commit extends Agreement {
  readonly words: readonly Word[];
  /** The words after all committed ones. */
  readonly unstable: readonly Word[];
}

export class Committer {
  readonly #agreement = new LocalAgreement();
  readonly #segments: StreamSegments;

  constructor(tokenizer: Tokenizer) {
    this.#segments = new StreamSegments(tokenizer);
  }

  /**
   * Commits what this decode and the one before it agree on.
   *
   * @param end seconds of sound so far
   */
  commitAgreed({ words }: DecodedSnapshot, end: number): Commit {
    return this.#commit(words, this.#agreement.add(words, confidentCount(words, end)));
  }

  /** Commits nothing; the next decode is compared with this one. */
  commitNothing({ words }: DecodedSnapshot): Commit {
    return this.#commit(words, this.#agreement.add(words, 0));
  }

  /** Ignores a decode, as far as commits go. */
  ignore({ words }: DecodedSnapshot): Commit {
    const known = this.#agreement.known(words);
    return this.#commit(words, { known, stable: known });
  }

  /** Commits all words of these segments, the decode's first ones. */
  finalize({ words }: DecodedSnapshot, segments: readonly DecodedSegment[]): Commit {
    return this.#commit(words, this.#agreement.finalize(words, countWords(segments)));
  }

  /** Completes segments, the decode's first ones, and ends the window after them. */
  complete(
    decoded: DecodedSnapshot,
    segments: readonly DecodedSegment[],
    seek: number,
    { known, stable }: Commit,
  ): Segment[] {
    const nWords = countWords(segments);
    // Words after them that are committed already are decoded again, in the next window.
    const nKept = Math.max(0, stable - nWords);
    this.#agreement.cut(nKept);
    const nNew = Math.max(0, Math.min(stable, nWords) - known);
    return this.#segments.complete(decoded, segments, seek, { nKept, nNew });
  }

  #commit(words: readonly Word[], { known, stable }: Agreement): Commit {
    const committed = this.#segments.commit(words.slice(known, stable));
    return { known, stable, words: committed, unstable: words.slice(stable) };
  }
}

/** How many words, from the first on, are probable enough or have enough sound after them. */
function confidentCount(words: readonly Word[], end: number): number {
  const first = words.findIndex((word) => word.probability < MIN_CONFIDENCE && end - word.end < CONFIRMATION_SECONDS);
  return first < 0 ? words.length : first;
}

function countWords(segments: readonly DecodedSegment[]): number {
  return segments.reduce((n, { words }) => n + words.length, 0);
}
