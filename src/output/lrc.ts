/**
 * Lyrics for music players: `[mm:ss.cc]text`, one line per cue. With `highlightWords` each word has its own time,
 * `<mm:ss.cc> word` ("enhanced LRC"), for players that highlight it.
 *
 * @see https://en.wikipedia.org/wiki/LRC_(file_format); whisper.cpp, examples/cli: output_lrc
 */

import { roundHalfEven, strip } from '../base/python.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { speakerLabel } from './speakers.ts';
import { hasWords } from './words.ts';
import { cues, cuesOfWords, type WrapOptions } from './wrap.ts';

export function writeLrc(transcript: Transcript, options: WrapOptions = {}): string {
  if (options.highlightWords && hasWords(transcript)) {
    let lines = '';
    for (const words of cuesOfWords(transcript, options)) {
      const text = words.map(({ word, start }) => `<${time(start)}> ${oneLine(word)}`).join(' ');
      lines += `[${time(words[0].start)}]${speakerLabel(words[0].speaker)}${text} <${time(words.at(-1)!.end)}>\n`;
    }
    return lines;
  }
  let lines = '';
  for (const { start, text } of cues(transcript, options, time)) lines += `[${start}]${oneLine(text)}\n`;
  return lines;
}

/** Minutes continue beyond 59: the format has no hours. */
function time(seconds: number): string {
  const total = roundHalfEven(seconds * 100);
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  return `${two(total / 6000)}:${two((total / 100) % 60)}.${two(total % 100)}`;
}

/** A line break ends an entry of the file, so a cue of several lines becomes one. */
function oneLine(text: string): string {
  return strip(text).replaceAll('\n', ' ');
}
