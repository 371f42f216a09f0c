/** Cuts an aligned window to a range of its words: text, tokens and times of its segments follow. */
import { TIME_PRECISION, type Tokenizer } from '../../text/tokenizer.ts';
import { framesToSeconds, LAST_TICK } from '../time.ts';
import type { WindowSegment } from '../window/segments.ts';
import type { AlignedWindow } from '../words/alignedWindow.ts';
import type { AlignedWord } from '../words/alignment.ts';

/** The words `from` up to `to` of a window, and its segments as far as they have some of them. */
export function takeWords(window: AlignedWindow, from: number, to: number, tokenizer: Tokenizer): AlignedWindow {
  if (from <= 0 && to >= window.words.length) return window;
  const words = window.words.slice(from, to);
  const firstToken = countTokens(window.words.slice(0, from));
  const lastToken = firstToken + countTokens(words);
  const segments: WindowSegment[] = [];
  let begin = 0;
  for (const segment of window.segments) {
    const end = begin + segment.tokens.filter((token) => token < tokenizer.eot).length;
    const [low, high] = [Math.max(begin, firstToken), Math.min(end, lastToken)];
    if (low < high) {
      const first = low > begin ? words[0] : undefined;
      const last = high < end ? words.at(-1) : undefined;
      const range = { low: low - begin, high: high - begin, first, last, offset: framesToSeconds(window.place.seek) };
      segments.push(first || last ? cutSegment(segment, range, tokenizer) : segment);
    }
    begin = end;
  }
  return { ...window, segments, words };
}

function countTokens(words: readonly AlignedWord[]): number {
  return words.reduce((n, { tokens }) => n + tokens.length, 0);
}

interface TokenRange {
  /** The text tokens that stay, counted without timestamps. */
  readonly low: number;
  readonly high: number;
  /** The segment's first word, if words before it are cut off; else undefined. */
  readonly first: AlignedWord | undefined;
  /** The same of its last word. */
  readonly last: AlignedWord | undefined;
  /** Seconds of the recording at which the window begins. */
  readonly offset: number;
}

/** The timestamps at the segment's ends are kept, with the times of the words that are its ends now. */
function cutSegment(segment: WindowSegment, range: TokenRange, tokenizer: Tokenizer): WindowSegment {
  const { low, high, first, last, offset } = range;
  const { eot, timestampBegin } = tokenizer;
  const timestamp = (time: number): number =>
    timestampBegin + Math.min(LAST_TICK, Math.max(0, Math.round(time / TIME_PRECISION)));
  const tokens: number[] = [];
  const tokenLogprobs: number[] = [];
  let text = 0;
  segment.tokens.forEach((token, i) => {
    if (token < eot) {
      const isTaken = text >= low && text < high;
      text++;
      if (!isTaken) return;
    }
    let kept = token;
    if (token >= timestampBegin) {
      if (first && i === 0) kept = timestamp(first.start);
      else if (last && i === segment.tokens.length - 1) kept = timestamp(last.end);
    }
    tokens.push(kept);
    tokenLogprobs.push(segment.tokenLogprobs[i]!);
  });
  return {
    ...segment,
    ...(first && { start: offset + first.start }),
    ...(last && { end: offset + last.end }),
    text: tokenizer.decode(tokens.filter((token) => token < eot)),
    tokens,
    tokenLogprobs,
  };
}
