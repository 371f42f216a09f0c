/** A known text beside what was recognised: which words are the same, and what lies between those that are. */
import { roundHundredths } from '../../base/python.ts';
import type { Word } from '../transcript.ts';
import type { KnownWord } from './knownText.ts';
import { matchUnits, type Step } from './matchUnits.ts';
import { unitsOf } from './units.ts';

/** A recognised word. */
export interface HeardWord extends Word {
  /** First frame of its window. */
  readonly seek: number;
}

export interface Match {
  /** Index of the known word. */
  readonly known: number;
  /** Index of the first recognised word that it is. */
  readonly heard: number;
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly probability: number;
}

/** What lies between two matches; never nothing. */
export interface Gap {
  /** Indices of known words that were not recognised. */
  readonly known: readonly number[];
  /** Indices of recognised words that are not in the text. */
  readonly heard: readonly number[];
  /** Those of them that stand for no known word. */
  readonly surplus: readonly number[];
}

export type TextPiece = { readonly match: Match } | { readonly gap: Gap };

/** A unit and its word. */
interface Unit {
  readonly text: string;
  readonly word: number;
}

/** @returns everything of both texts, in order */
export function matchTexts(known: readonly KnownWord[], heard: readonly HeardWord[], isUnspaced: boolean): TextPiece[] {
  const knownUnits = known.flatMap(({ units }, word) => units.map((text): Unit => ({ text, word })));
  const heardUnits = heard.flatMap(({ word: text }, word) =>
    unitsOf(text, isUnspaced).map((unit): Unit => ({ text: unit, word })),
  );
  const textsOf = (units: readonly Unit[]): string[] => units.map(({ text }) => text);
  const steps = matchUnits(textsOf(knownUnits), textsOf(heardUnits));
  const times = unitTimes(heardUnits, heard);
  const matches = new Map<number, Match>();
  for (const [word, own] of stepsByWord(steps, knownUnits)) {
    const equal = own.filter(({ isEqual }) => isEqual);
    if (2 * equal.length <= own.length) continue;
    matches.set(word, matchOf(word, equal[0]!.heard, equal.at(-1)!.heard, heardUnits, times, heard));
  }
  const pieces: TextPiece[] = [];
  let gap = emptyGap();
  const isUsed = new Set<number>();
  for (const { known: k, heard: h, isEqual } of steps) {
    const word = k < 0 ? undefined : knownUnits[k]?.word;
    if (isEqual && word !== undefined && matches.has(word) && h >= 0) isUsed.add(heardUnits[h]!.word);
  }
  const close = (): void => {
    pieces.push(...closed(gap, known, heard, isUnspaced));
    gap = emptyGap();
  };
  let last = -1;
  for (const { known: k, heard: h } of steps) {
    const word = k < 0 ? -1 : knownUnits[k]!.word;
    const match = matches.get(word);
    if (match && word !== last) {
      close();
      pieces.push({ match });
    }
    if (word >= 0) last = word;
    if (word >= 0 && !match) gap.known.add(word);
    const other = h < 0 ? -1 : heardUnits[h]!.word;
    if (other < 0 || isUsed.has(other)) continue;
    gap.heard.add(other);
    if (k >= 0) gap.paired.add(other);
  }
  close();
  return pieces;
}

interface OpenGap {
  readonly known: Set<number>;
  readonly heard: Set<number>;
  readonly paired: Set<number>;
}

function emptyGap(): OpenGap {
  return { known: new Set(), heard: new Set(), paired: new Set() };
}

/** A gap, or the matches that it is: "every day" and "everyday" differ in a space alone. */
function closed(
  gap: OpenGap,
  known: readonly KnownWord[],
  heard: readonly HeardWord[],
  isUnspaced: boolean,
): TextPiece[] {
  const [ownKnown, ownHeard] = [[...gap.known], [...gap.heard]];
  if (ownKnown.length === 0 && ownHeard.length === 0) return [];
  const text = ownKnown.map((k) => known[k]!.units.join(''));
  const said = ownHeard.map((h) => unitsOf(heard[h]!.word, isUnspaced).join(''));
  if (text.join('') === '' || text.join('') !== said.join('')) {
    return [{ gap: { known: ownKnown, heard: ownHeard, surplus: ownHeard.filter((h) => !gap.paired.has(h)) } }];
  }
  const timeAt = (offset: number): { readonly time: number; readonly heard: number } => {
    let left = offset;
    for (const [i, { length }] of said.entries()) {
      const { start, end } = heard[ownHeard[i]!]!;
      if (left < length || i === said.length - 1)
        return {
          time: length > 0 ? roundHundredths(start + ((end - start) * Math.min(left, length)) / length) : start,
          heard: ownHeard[i]!,
        };
      left -= length;
    }
    return { time: 0, heard: -1 };
  };
  let offset = 0;
  return ownKnown.map((k, i) => {
    const from = timeAt(offset);
    offset += text[i]!.length;
    const { probability } = heard[from.heard]!;
    return { match: { known: k, heard: from.heard, start: from.time, end: timeAt(offset).time, probability } };
  });
}

function stepsByWord(steps: readonly Step[], units: readonly Unit[]): Map<number, Step[]> {
  const byWord = new Map<number, Step[]>();
  for (const step of steps) {
    if (step.known < 0) continue;
    const { word } = units[step.known]!;
    const own = byWord.get(word);
    if (own) own.push(step);
    else byWord.set(word, [step]);
  }
  return byWord;
}

function matchOf(
  known: number,
  first: number,
  last: number,
  units: readonly Unit[],
  times: readonly (readonly [number, number])[],
  heard: readonly HeardWord[],
): Match {
  const word = units[first]!.word;
  return { known, heard: word, start: times[first]![0], end: times[last]![1], probability: heard[word]!.probability };
}

/** Start and end of each unit: those of a word share its time by their lengths. */
function unitTimes(units: readonly Unit[], heard: readonly HeardWord[]): (readonly [number, number])[] {
  const lengths = new Float64Array(heard.length);
  for (const { text, word } of units) lengths[word]! += text.length;
  let [last, before] = [-1, 0];
  return units.map(({ text, word }) => {
    if (word !== last) [last, before] = [word, 0];
    const { start, end } = heard[word]!;
    const at = (length: number): number => {
      if (length === 0) return start;
      return length === lengths[word] ? end : roundHundredths(start + ((end - start) * length) / lengths[word]!);
    };
    const times = [at(before), at(before + text.length)] as const;
    before += text.length;
    return times;
  });
}
