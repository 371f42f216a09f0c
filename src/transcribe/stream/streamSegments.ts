/**
 * The segments of a stream: times and scores of the decode that completed them, words as they were committed, which may
 * have been with earlier decodes.
 */
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Segment, Word } from '../transcript.ts';
import type { DecodedSegment, DecodedSnapshot } from './snapshotDecoder.ts';

export class StreamSegments {
  readonly #tokenizer: Tokenizer;
  /** Committed words that are in no complete segment yet. */
  #pending: Word[] = [];
  /** End of the last committed word, in seconds. */
  #lastEnd = 0;
  #nextId = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Commits words. @returns the same, none beginning before the end of the last: their times are of several decodes */
  commit(words: readonly Word[]): Word[] {
    const committed = words.map((word) => {
      const start = Math.max(word.start, this.#lastEnd);
      this.#lastEnd = Math.max(word.end, start);
      return { ...word, start, end: this.#lastEnd };
    });
    this.#pending.push(...committed);
    return committed;
  }

  /**
   * Completes segments with the committed words that are not in one yet.
   *
   * @param decoded  the decode they are of
   * @param complete its segments that are complete, from the first on
   * @param seek     first frame of its window
   * @param nKept    how many of the last words belong to later segments
   * @param nNew     how many of the other words were committed with this decode
   */
  complete(
    decoded: DecodedSnapshot,
    complete: readonly DecodedSegment[],
    seek: number,
    { nKept, nNew }: { readonly nKept: number; readonly nNew: number },
  ): Segment[] {
    const words = this.#pending.splice(0, this.#pending.length - nKept);
    if (words.length === 0) return [];
    if (complete.length === 0) return [this.#withoutSegment(decoded, seek, words)];
    const result: Segment[] = [];
    let next = 0;
    let nLeft = complete.reduce((n, segment) => n + segment.words.length, 0);
    for (const [i, segment] of complete.entries()) {
      nLeft -= segment.words.length;
      const first = next;
      const isLast = i === complete.length - 1;
      // Words of this decode go by their number, earlier ones by their time.
      for (const { start, end } of words.slice(first, words.length - Math.min(nLeft, nNew))) {
        if (!isLast && next < words.length - nNew && (start + end) / 2 > segment.end) break;
        next++;
      }
      if (next > first) result.push(this.#segment(segment, words.slice(first, next)));
    }
    return result;
  }

  #segment({ closedAt: _, isOpen: __, ...segment }: DecodedSegment, words: readonly Word[]): Segment {
    const text = textOf(words);
    if (text === textOf(segment.words)) return { id: this.#nextId++, ...segment, words };
    return { id: this.#nextId++, ...segment, text, tokens: this.#tokenizer.encode(text), tokenLogprobs: [], words };
  }

  /** Committed words that the last decode of their window does not have at all: they are kept all the same. */
  #withoutSegment({ scores }: DecodedSnapshot, seek: number, words: readonly Word[]): Segment {
    const text = textOf(words);
    const [start, end] = [words[0]?.start ?? 0, words.at(-1)?.end ?? 0];
    const tokens = this.#tokenizer.encode(text);
    return { id: this.#nextId++, seek, start, end, text, tokens, tokenLogprobs: [], ...scores, words };
  }
}

export function textOf(words: readonly Word[]): string {
  return words.map(({ word }) => word).join('');
}
