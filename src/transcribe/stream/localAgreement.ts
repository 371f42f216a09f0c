/**
 * Which words of a text that is decoded again and again, each time with more sound, can be given out for good: those that
 * two decodes in a row agree on (LocalAgreement-2). A later decode may see a word that was given out differently; it is
 * not taken back, and what follows is found by laying the words given out beside the new ones.
 *
 * @see Liu et al. 2020, https://arxiv.org/abs/2005.11185 (LocalAgreement); Macháček et al. 2023,
 *   https://arxiv.org/abs/2307.14743 (Whisper-Streaming). There times alone tell which words are new, here the words too.
 */
import type { Word } from '../transcript.ts';

export interface Agreement {
  /** Words at the front of the new text that were given out before. */
  readonly known: number;
  /** Words at the front of the new text that are stable now; at least `known`. */
  readonly stable: number;
}

/** So many seconds between two times of a word count as much as a word that differs ... */
const SECONDS_PER_WORD = 0.5;
/** ... and no distance counts as more than so many words: the times of words fail sometimes. */
const MOST_FOR_TIME = 2;

export class LocalAgreement {
  /** Words given out of the sound that is still decoded. */
  #given: readonly Word[] = [];
  /** What the last decode had behind them. */
  #rest: readonly Word[] = [];

  get given(): readonly Word[] {
    return this.#given;
  }

  /**
   * Takes the next text.
   *
   * @param words    all words of the sound that is still decoded
   * @param most     give out no more than so many of them, and what it agrees on with the last one; the others are only
   *   kept to be compared with the next
   */
  add(words: readonly Word[], most = words.length): Agreement {
    const known = this.known(words);
    const stable = known + Math.max(0, Math.min(agreed(this.#rest, words.slice(known)), most - known));
    return this.#give(words, known, stable);
  }

  /** Takes a text whose first `end` words are final whatever was heard before. */
  settle(words: readonly Word[], end: number): Agreement {
    const known = this.known(words);
    return this.#give(words, known, Math.max(known, end));
  }

  /** The first words are not decoded any more: forgets all that was given out but the last `kept`. */
  cut(kept: number): void {
    this.#given = kept > 0 ? this.#given.slice(-kept) : [];
  }

  /**
   * How many of the new words stand for those given out: the length of the beginning that is nearest to them, by words to
   * insert, take away or exchange, and by the time of the last one.
   */
  known(words: readonly Word[]): number {
    const last = this.#given.at(-1);
    if (!last) return 0;
    const given = this.#given.map(({ word }) => normalised(word));
    let row = Array.from({ length: given.length + 1 }, (_, i) => i);
    let best = 0;
    let least = row[given.length]! + MOST_FOR_TIME;
    words.forEach(({ word, start, end }, j) => {
      const text = normalised(word);
      const next = [j + 1];
      for (let i = 1; i <= given.length; i++) {
        const exchange = row[i - 1]! + (given[i - 1] === text ? 0 : 1);
        next.push(Math.min(exchange, row[i]! + 1, next[i - 1]! + 1));
      }
      row = next;
      // A pause is now in the word before it, now in the one behind it: one of the two borders is enough.
      const seconds = Math.min(Math.abs(end - last.end), Math.abs(start - last.start));
      const distance = row[given.length]! + Math.min(MOST_FOR_TIME, seconds / SECONDS_PER_WORD);
      if (distance > least) return;
      least = distance;
      best = j + 1;
    });
    return best;
  }

  #give(words: readonly Word[], known: number, stable: number): Agreement {
    this.#given = [...this.#given, ...words.slice(known, stable)];
    this.#rest = words.slice(stable);
    return { known, stable };
  }
}

/**
 * Words at the front that both have. Case and punctuation may differ but in the last one: the end of the sound is where
 * commas and full stops come and go.
 */
function agreed(before: readonly Word[], now: readonly Word[]): number {
  let n = 0;
  while (n < before.length && n < now.length && normalised(before[n]!.word) === normalised(now[n]!.word)) n++;
  while (n > 0 && before[n - 1]!.word !== now[n - 1]!.word) n--;
  return n;
}

/** Without case and punctuation; a word of punctuation alone as it is. */
function normalised(word: string): string {
  return (
    word
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}]+/gu, '') || word
  );
}
