/**
 * The segments of a stream: borders and scores of the decode that completed them, words as they were given out, which may
 * have been in earlier decodes.
 */

import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Segment, Word } from '../transcript.ts';
import type { HeardSegment, HeardWindow } from './streamWindow.ts';

export class StreamSegments {
  readonly #tokenizer: Tokenizer;
  /** Words given out that no complete segment has yet. */
  #loose: Word[] = [];
  /** Where the last word given out ends, in seconds. */
  #spoken = 0;
  #nextId = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The same words, each beginning where the one before it has ended or later: their times are of several decodes. */
  giveOut(words: readonly Word[]): Word[] {
    const given = words.map((word) => {
      const start = Math.max(word.start, this.#spoken);
      this.#spoken = Math.max(word.end, start);
      return { ...word, start, end: this.#spoken };
    });
    this.#loose.push(...given);
    return given;
  }

  /**
   * Completes segments with the words given out and not yet in one.
   *
   * @param heard    the decode they are of, of which they are the first `count`
   * @param seek     first frame of its window
   * @param kept     words at the end that belong to later segments
   * @param nNew     how many of the other words were given out with this decode
   */
  complete(heard: HeardWindow, count: number, seek: number, kept: number, nNew: number): Segment[] {
    const said = this.#loose.splice(0, this.#loose.length - kept);
    if (said.length === 0) return [];
    if (count === 0) return [this.#heardOtherwise(heard, seek, said)];
    const out: Segment[] = [];
    const complete = heard.segments.slice(0, count);
    let next = 0;
    let nLeft = complete.reduce((n, { words }) => n + words.length, 0);
    for (const [i, segment] of complete.entries()) {
      nLeft -= segment.words.length;
      const first = next;
      const isLast = i === count - 1;
      // Words of this decode by their number, earlier ones by their time.
      while (next < said.length - Math.min(nLeft, nNew)) {
        const { start, end } = said[next]!;
        if (!isLast && next < said.length - nNew && (start + end) / 2 > segment.end) break;
        next++;
      }
      if (next > first) out.push(this.#segment(segment, said.slice(first, next)));
    }
    return out;
  }

  #segment({ closedAt: _, isOpen: __, ...segment }: HeardSegment, words: readonly Word[]): Segment {
    const text = textOf(words);
    if (text === textOf(segment.words)) return { id: this.#nextId++, ...segment, words };
    return { id: this.#nextId++, ...segment, text, tokens: this.#tokenizer.encode(text), tokenLogprobs: [], words };
  }

  /** Words that the last decode of their window does not have at all: they are not taken back. */
  #heardOtherwise({ scores }: HeardWindow, seek: number, words: readonly Word[]): Segment {
    const text = textOf(words);
    const place = { seek, start: words[0]!.start, end: words.at(-1)!.end };
    const tokens = this.#tokenizer.encode(text);
    return { id: this.#nextId++, ...place, text, tokens, tokenLogprobs: [], ...scores, words };
  }
}

export function textOf(words: readonly Word[]): string {
  return words.map(({ word }) => word).join('');
}
