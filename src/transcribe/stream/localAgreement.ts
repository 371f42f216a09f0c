/**
 * Which words of a text that is decoded repeatedly, each time with more sound, can be committed: those that two decodes in
 * a row agree on (LocalAgreement-2). A later decode may differ in a committed word; it is not revised, and the words after
 * it are found by an alignment of the committed words with the new ones.
 *
 * @see Liu et al. 2020, https://arxiv.org/abs/2005.11185 (LocalAgreement); Macháček et al. 2023,
 *   https://arxiv.org/abs/2307.14743 (Whisper-Streaming). There times alone tell which words are new, here the words too.
 */
import type { Word } from '../transcript.ts';

export interface Agreement {
  /** How many words, from the first on, stand for words committed before. */
  readonly known: number;
  /** How many words, from the first on, are committed now; at least `known`. */
  readonly stable: number;
}

/** So many seconds between two times of a word cost as much as a word that differs ... */
const SECONDS_PER_EDIT = 0.5;
/** ... but times never cost more than so many words, because they are sometimes far off. */
const MAX_TIME_COST = 2;

export class LocalAgreement {
  /** Words committed in the sound that is still decoded. */
  #committed: readonly Word[] = [];
  /** The words after them in the last decode. */
  #rest: readonly Word[] = [];

  /**
   * Commits what the next text and the last one agree on.
   *
   * @param words    all words of the sound that is still decoded
   * @param maxWords commit no word after so many of them: those are only kept to be compared with the next text
   */
  add(words: readonly Word[], maxWords = words.length): Agreement {
    const known = this.known(words);
    const stable = known + Math.max(0, Math.min(agreedWords(this.#rest, words.slice(known)), maxWords - known));
    return this.#commit(words, known, stable);
  }

  /** Commits the first `count` words of a text whatever the last one was. */
  finalize(words: readonly Word[], count: number): Agreement {
    const known = this.known(words);
    return this.#commit(words, known, Math.max(known, count));
  }

  /** The sound of the first words is not decoded any more: forgets all committed words but the last `kept`. */
  cut(kept: number): void {
    this.#committed = kept > 0 ? this.#committed.slice(-kept) : [];
  }

  /**
   * How many of the new words stand for committed ones: the length of the prefix with the least edit distance to them, to
   * which the distance in time of the last word is added.
   */
  known(words: readonly Word[]): number {
    const last = this.#committed.at(-1);
    if (!last) return 0;
    const committed = this.#committed.map(({ word }) => normalise(word));
    // Edit distances of the words so far to each prefix of the committed ones; [committed.length + 1].
    let row = Array.from({ length: committed.length + 1 }, (_, i) => i);
    let best = 0;
    let minDistance = committed.length + MAX_TIME_COST;
    words.forEach(({ word, start, end }, j) => {
      const text = normalise(word);
      const next = [j + 1];
      for (let i = 1; i <= committed.length; i++) {
        const substitution = row[i - 1]! + (committed[i - 1] === text ? 0 : 1);
        next.push(Math.min(substitution, row[i]! + 1, next[i - 1]! + 1));
      }
      row = next;
      // A pause is sometimes part of the word before it, sometimes of the one after it: one equal border is enough.
      const seconds = Math.min(Math.abs(end - last.end), Math.abs(start - last.start));
      const distance = row[committed.length]! + Math.min(MAX_TIME_COST, seconds / SECONDS_PER_EDIT);
      if (distance > minDistance) return;
      minDistance = distance;
      best = j + 1;
    });
    return best;
  }

  #commit(words: readonly Word[], known: number, stable: number): Agreement {
    this.#committed = [...this.#committed, ...words.slice(known, stable)];
    this.#rest = words.slice(stable);
    return { known, stable };
  }
}

/**
 * How many words two texts have in common from the first on. Case and punctuation may differ except in the last of them:
 * at the end of the sound commas and full stops come and go.
 */
function agreedWords(before: readonly Word[], now: readonly Word[]): number {
  let n = 0;
  while (n < before.length && n < now.length && normalise(before[n]!.word) === normalise(now[n]!.word)) n++;
  while (n > 0 && before[n - 1]!.word !== now[n - 1]!.word) n--;
  return n;
}

/** Without case and punctuation; a word of punctuation only stays as it is. */
function normalise(word: string): string {
  return (
    word
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}]+/gu, '') || word
  );
}
