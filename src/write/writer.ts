/** What the writers have in common: a transcript in, the whole text of one file out. */
import { OptionsError } from '../errors.js';
import type { Transcript } from '../transcribe/transcribe.js';
import { writeJson } from './json.js';
import { writeSrt } from './srt.js';
import { writeTsv } from './tsv.js';
import { writeTxt } from './txt.js';
import { writeVtt } from './vtt.js';
import { hasWords } from './words.js';
import type { WrapOptions } from './wrap.js';

export const FORMATS = ['txt', 'vtt', 'srt', 'tsv', 'json'] as const;
/** The kinds of output file, named by their extension. */
export type Format = (typeof FORMATS)[number];

const WRITERS: Readonly<Record<Format, (transcript: Transcript, options: WrapOptions) => string>> = {
  txt: writeTxt,
  vtt: writeVtt,
  srt: writeSrt,
  tsv: writeTsv,
  json: writeJson,
};

/**
 * The text of one output file, byte for byte (in UTF-8) as openai/whisper's writer of that name prints it.
 *
 * @param options how words are laid out in vtt and srt; needs word times
 * @throws {OptionsError} `wordsNeeded` when an option needs word times that the transcript does not have
 * @see openai/whisper, whisper/utils.py, get_writer
 */
export function write(transcript: Transcript, format: Format, options: WrapOptions = {}): string {
  if (!hasWords(transcript)) {
    const asked = Object.entries(options).find(([, value]) => value !== undefined && value !== false);
    if (asked && transcript.segments.length > 0)
      throw new OptionsError('wordsNeeded', `${asked[0]} lays out words, and this transcript has no word times.`, {
        hint: 'Transcribe with word timestamps.',
      });
  }
  return WRITERS[format](transcript, options);
}
