/**
 * Cuts a segment where two turns of its speaker were joined: "Yes." and, ten seconds of the other later, "I see." are no one
 * segment, though in the splice they follow each other.
 */
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { Timeline } from '../recording/timeline.ts';
import type { Word } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';

/** @param segment with times of the splice @returns its parts with times of the recording */
export function cutAtJoints(
  segment: WindowSegment,
  timeline: Timeline,
  tokenizer: Pick<Tokenizer, 'decode' | 'eot'>,
): WindowSegment[] {
  const groups: Word[][] = [];
  let last: number | undefined;
  for (const word of segment.words ?? []) {
    const part = timeline.partAt((word.start + word.end) / 2);
    if (part === last) groups.at(-1)?.push(word);
    else groups.push([word]);
    last = part;
  }
  if (groups.length < 2) return [timeline.sourceSegment(segment)];
  let from = 0;
  return groups.map((words, i) => {
    const text = words.map(({ word }) => word).join('');
    const isLast = i === groups.length - 1;
    const to = isLast ? segment.tokens.length : endOfText(segment.tokens, from, text.length, tokenizer);
    const part = {
      ...segment,
      text,
      words,
      start: words[0]?.start ?? segment.start,
      end: words.at(-1)?.end ?? segment.end,
      tokens: segment.tokens.slice(from, to),
      tokenLogprobs: segment.tokenLogprobs.slice(from, to),
    };
    from = to;
    return timeline.sourceSegment(part);
  });
}

/** Where the tokens from `from` on are a text of so many characters. */
function endOfText(
  tokens: readonly number[],
  from: number,
  length: number,
  tokenizer: Pick<Tokenizer, 'decode' | 'eot'>,
): number {
  const text: number[] = [];
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token >= tokenizer.eot) continue;
    text.push(token);
    if (tokenizer.decode(text).length >= length) return i + 1;
  }
  return tokens.length;
}
