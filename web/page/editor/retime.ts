/** Times of words after their text was edited: words that stay keep theirs, the others share what lies between. */
import type { PageWord } from '../transcriptDocument.ts';
import { commonPairs } from './commonPairs.ts';

/** A letter of the scripts that put no space between words. */
const UNSPACED =
  '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]';
/** Such a letter stands alone, others run together; so does each mark of punctuation. A space belongs to what follows it. */
const TOKEN = new RegExp(`\\s?(?:${UNSPACED}\\p{M}*|(?:(?!${UNSPACED})[\\p{L}\\p{M}\\p{N}])+|\\S)|\\s`, 'gu');
const startsUnspaced = new RegExp(`^\\s?${UNSPACED}`, 'u');

/** Words and where they lie in time. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** A word of before that stays, and where its text ends in the new text, in tokens. */
interface Kept {
  readonly word: number;
  readonly from: number;
  readonly to: number;
}

/**
 * @param words of before, in order
 * @param text  of after, with one space between words at most
 * @param span  of the segment: words at its ends may reach to there
 * @returns words whose texts joined are `text`. A word whose text stays keeps time and probability, also if punctuation
 *   is added after it. As many words in the place of others take their times one by one; more or fewer share the
 *   stretch in proportion to their lengths. They have no probability: a person wrote them.
 */
export function retime(words: readonly PageWord[], text: string, span: Span): readonly PageWord[] {
  const tokens = tokensOf(text);
  const result: PageWord[] = [];
  let nextWord = 0;
  let nextToken = 0;
  const fill = (toWord: number, toToken: number): void => {
    let fresh = tokens.slice(nextToken, toToken).join('');
    const last = result.at(-1);
    // Punctuation belongs to the word before it, as the tokenizer has it; so does a space that ends the text.
    const [tail = ''] = (last && /^(?:[^\s\p{L}\p{N}]+(?=\s|$)|\s$)/u.exec(fresh)) ?? [];
    if (last && tail !== '') {
      result[result.length - 1] = { ...last, text: last.text + tail };
      fresh = fresh.slice(tail.length);
    }
    const stretch = {
      start: words[nextWord - 1]?.end ?? Math.min(span.start, words[0]?.start ?? span.start),
      end: words[toWord]?.start ?? Math.max(span.end, words.at(-1)?.end ?? span.end),
    };
    result.push(...placed(fresh, words.slice(nextWord, toWord), stretch));
  };
  for (const { word, from, to } of keptWords(words, tokens)) {
    fill(word, from);
    result.push(words[word]!);
    nextWord = word + 1;
    nextToken = to;
  }
  fill(words.length, tokens.length);
  return result;
}

function tokensOf(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}

/** Words of which all tokens stay together, and that did not grow at either end into a longer word. */
function keptWords(words: readonly PageWord[], tokens: readonly string[]): readonly Kept[] {
  const before = words.map(({ text }) => tokensOf(text));
  const partner = new Map(commonPairs(before.flat(), tokens));
  const kept: Kept[] = [];
  let first = 0;
  for (const [word, parts] of before.entries()) {
    const next = first + parts.length;
    const from = partner.get(first);
    if (from !== undefined && parts.every((_, i) => partner.get(first + i) === from + i)) {
      const to = from + parts.length;
      const isStart = from === 0 || /^\s/.test(parts[0]!) || isFree(parts[0]) || partner.get(first - 1) === from - 1;
      const isEnd = partner.get(next) === to || isFree(parts.at(-1)) || isWordEnd(tokens, to);
      if (isStart && isEnd) kept.push({ word, from, to });
    }
    first = next;
  }
  return kept;
}

/** Can anything stand beside it without making it another word? */
function isFree(token: string | undefined): boolean {
  return token !== undefined && startsUnspaced.test(token);
}

/** Nothing comes before the next space but punctuation. */
function isWordEnd(tokens: readonly string[], at: number): boolean {
  let next = at;
  while (next < tokens.length && /^[^\s\p{L}\p{N}]/u.test(tokens[next]!)) next++;
  return next === tokens.length || /^\s/.test(tokens[next]!);
}

/** Words of a text that stands in the place of others, or between two. */
function placed(text: string, replaced: readonly PageWord[], stretch: Span): PageWord[] {
  const texts = text.match(/\s?\S+(?:\s$)?/gu) ?? [];
  if (texts.length === replaced.length) {
    return texts.map((word, i) => ({ text: word, start: replaced[i]!.start, end: replaced[i]!.end }));
  }
  const start = replaced[0]?.start ?? stretch.start;
  const end = Math.max(start, replaced.at(-1)?.end ?? stretch.end);
  const lengths = texts.map((word) => [...word.trim()].length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let length = 0;
  return texts.map((word, i) => {
    const from = start + ((end - start) * length) / total;
    length += lengths[i]!;
    return { text: word, start: from, end: start + ((end - start) * length) / total };
  });
}
