/**
 * Subtitle cues: one per segment or, with word times, words wrapped into lines and cues.
 * @see openai/whisper, whisper/utils.py, SubtitlesWriter.iterate_result
 */

import { strip } from '../base/python.ts';
import type { OptionsOf, OptionTable } from '../options/spec.ts';
import type { Transcript, Word } from '../transcribe/transcript.ts';
import { speakerLabel } from './speakers.ts';
import { hasWords } from './words.ts';

export const LAYOUT_OPTIONS = {
  highlightWords: {
    kind: 'boolean',
    default: false,
    where: ['layout'],
    group: 'words',
    help: 'In vtt and srt: one cue for each word, with that word underlined. In lrc: the time of each word.',
  },
  /** Code points; 1000 when absent. */
  maxLineWidth: {
    kind: 'integer',
    min: 1,
    where: ['layout'],
    group: 'words',
    help: 'In vtt, srt and lrc: characters in a line.',
  },
  /** Given together with `maxLineWidth`, cues may reach over segments. */
  maxLineCount: {
    kind: 'integer',
    min: 1,
    where: ['layout'],
    group: 'words',
    help: 'In vtt, srt and lrc: lines in a cue; needs maxLineWidth.',
  },
  /** 1000 when absent. */
  maxWordsPerLine: {
    kind: 'integer',
    min: 1,
    where: ['layout'],
    group: 'words',
    help: 'In vtt, srt and lrc: words in a cue; not together with maxLineWidth.',
  },
} as const satisfies OptionTable;

export type WrapOptions = OptionsOf<typeof LAYOUT_OPTIONS, 'layout'>;

export interface Cue {
  readonly start: string;
  readonly end: string;
  readonly text: string;
  /** Who speaks, where that is known. */
  readonly speaker: string | undefined;
}

/** What a format writes before a cue's text, for who speaks in it; it counts as a part of the line. */
export type Label = (speaker: string | undefined) => string;

/** Seconds between the starts of two words that end a cue which may span segments. */
const LONG_PAUSE = 3;

export function* cues(
  transcript: Transcript,
  options: WrapOptions,
  format: (seconds: number) => string,
  label: Label = speakerLabel,
): Generator<Cue> {
  if (!hasWords(transcript)) {
    for (const segment of transcript.segments)
      yield {
        start: format(segment.start),
        end: format(segment.end),
        text: oneArrow(label(segment.speaker) + strip(segment.text)),
        speaker: segment.speaker,
      };
    return;
  }
  for (const words of cuesOfWords(transcript, options, label)) {
    const [{ start, speaker }] = words;
    const front = oneArrow(label(speaker));
    if (options.highlightWords) {
      for (const cue of highlighted(words, format)) yield { ...cue, text: front + cue.text, speaker };
    } else yield { start: format(start), end: format(words.at(-1)!.end), text: front + joined(words), speaker };
  }
}

/** An arrow in a text would be taken for a line of times. */
function oneArrow(text: string): string {
  return text.replaceAll('-->', '->');
}

/** The words of each cue, never none; those that begin a line have the line break in front. */
export function* cuesOfWords(
  transcript: Transcript,
  options: WrapOptions,
  label: Label = speakerLabel,
): Generator<readonly [Word, ...Word[]]> {
  const { maxLineCount } = options;
  const keepSegments = !maxLineCount || !options.maxLineWidth;
  const width = options.maxLineWidth || 1000;
  const slice = options.maxWordsPerLine || 1000;
  let cue: Word[] = [];
  let lineLength = 0;
  let lines = 1;
  let lastStart: number | undefined;
  for (const segment of transcript.segments) {
    for (const [i, timing] of (segment.words ?? []).entries()) {
      let word = timing.word;
      const pause = !keepSegments && lastStart !== undefined && timing.start - lastStart > LONG_PAUSE;
      const [first] = cue;
      const isOthers = first !== undefined && first.speaker !== timing.speaker;
      const segmentBreak = isOthers || (i % slice === 0 && cue.length > 0 && keepSegments);
      const fits = lineLength + codePoints(word) <= width;
      if (lineLength > 0 && fits && !pause && !segmentBreak) {
        lineLength += codePoints(word);
      } else {
        word = strip(word);
        const full = cue.length > 0 && !!maxLineCount && (pause || lines >= maxLineCount);
        if (first && (full || segmentBreak)) {
          yield [first, ...cue.slice(1)];
          cue = [];
          lines = 1;
        } else if (lineLength > 0) {
          lines++;
          word = `\n${word}`;
        }
        lineLength = codePoints(strip(word)) + (cue.length === 0 ? codePoints(label(timing.speaker)) : 0);
      }
      cue.push({ ...timing, word });
      lastStart = timing.start;
    }
  }
  const [first] = cue;
  if (first) yield [first, ...cue.slice(1)];
}

/** A cue for each word with that word underlined, and one without underlining for each gap between two. */
function* highlighted(
  words: readonly [Word, ...Word[]],
  format: (seconds: number) => string,
): Generator<Omit<Cue, 'speaker'>> {
  let last = format(words[0].start);
  for (const [i, word] of words.entries()) {
    const start = format(word.start);
    const end = format(word.end);
    if (last !== start) yield { start: last, end: start, text: joined(words) };
    const text = words.map((w, k) => (k === i ? w.word.replace(/^(\s*)(.*)$/u, '$1<u>$2</u>') : w.word));
    yield { start, end, text: text.join('') };
    last = end;
  }
}

function joined(words: readonly Word[]): string {
  return words.map((word) => word.word).join('');
}

function codePoints(text: string): number {
  return [...text].length;
}
