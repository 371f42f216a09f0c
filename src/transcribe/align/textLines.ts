/** The lines of a known text: of plain text as they are, of subtitles (SubRip, WebVTT) one for each cue. */
import { OptionsError } from '../../base/errors.ts';
import { strip } from '../../base/python.ts';

/** `00:01.000 --> 00:02.000`, hours or not, a comma or a point, and settings after it. */
const TIMES = /^\s*(?:\d+:)?\d+:\d{2}[.,]\d+\s+-->\s+(?:\d+:)?\d+:\d{2}[.,]\d+/;

/**
 * @param text or its lines
 * @returns lines that are not empty
 * @throws {OptionsError} `type` for what is no text, `noText` if there is none
 */
export function textLines(text: string | readonly string[]): string[] {
  const given: unknown = text;
  const isList = Array.isArray(given) && given.every((line) => typeof line === 'string');
  if (typeof text !== 'string' && !isList) {
    throw new OptionsError('type', 'The text to align is neither a text nor a list of lines.');
  }
  const found = (typeof text === 'string' ? linesOf(text) : text).map(strip).filter((line) => line !== '');
  if (found.length > 0) return found;
  throw new OptionsError('noText', 'The text to align is empty.');
}

function linesOf(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|[\n\r\u2028\u2029]/);
  const isSubtitles = lines.some((line) => TIMES.test(line));
  return isSubtitles ? cueTexts(lines) : lines;
}

/** What stands between a line of times and the next empty line. */
function cueTexts(lines: readonly string[]): string[] {
  const cues: string[][] = [];
  let isCue = false;
  for (const line of lines) {
    if (TIMES.test(line)) {
      cues.push([]);
      isCue = true;
    } else if (strip(line) === '') isCue = false;
    else if (isCue) cues.at(-1)?.push(withoutTags(line));
  }
  return cues.map((cue) => cue.join(' '));
}

/** Without `<i>`, `<v Ada>`, `<00:01.000>`, and with the characters that stand for others. */
function withoutTags(line: string): string {
  return line
    .replace(/<[^<>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&amp;', '&');
}
