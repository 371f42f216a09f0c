/** A text that is known, as what it is compared and aligned by: lines, their words, the tokens of those. */
import { strip } from '../../base/python.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { isUnspaced } from '../../text/words.ts';
import { mergePunctuations } from '../words/wordTimestamps.ts';
import { unitsOf } from './units.ts';

export interface KnownWord {
  /** Index of its line. */
  readonly line: number;
  /** With its leading space and the punctuation that belongs to it. */
  readonly word: string;
  readonly tokens: readonly number[];
  /** What it is compared by; none for marks alone. */
  readonly units: readonly string[];
}

export interface Marks {
  readonly prependPunctuations: string;
  readonly appendPunctuations: string;
}

/** @throws {OptionsError} `specialToken` for a text with the name of a special token */
export function knownWords(
  lines: readonly string[],
  tokenizer: Tokenizer,
  language: string,
  marks: Marks,
): KnownWord[] {
  const isTight = isUnspaced(language);
  return lines.flatMap((line, index) => {
    const text = strip(line.replace(/\s+/gu, ' '));
    if (text === '') return [];
    const tokens = tokenizer.encode(isTight ? text : ` ${text}`);
    const words = tokenizer.splitToWordTokens([...tokens, tokenizer.eot], language).slice(0, -1);
    const merged = words.map(({ word, tokens: own }) => ({ word, tokens: own }));
    mergePunctuations(merged, marks.prependPunctuations, marks.appendPunctuations);
    return merged.flatMap(({ word, tokens: own }): KnownWord[] =>
      word === '' ? [] : [{ line: index, word, tokens: own, units: unitsOf(word, isTight) }],
    );
  });
}
