/** What the writers have in common: a transcript in, the whole text of one file out. */

import { OptionsError } from '../base/errors.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { writeCsv } from './csv.ts';
import { writeJson } from './json.ts';
import { writeLrc } from './lrc.ts';
import { writeSrt } from './srt.ts';
import { writeTsv } from './tsv.ts';
import { writeTxt } from './txt.ts';
import { writeVerboseJson } from './verboseJson.ts';
import { writeVtt } from './vtt.ts';
import { hasWords } from './words.ts';
import type { WrapOptions } from './wrap.ts';

/** What openai/whisper writes, in its order: what `all` stands for. */
export const OPENAI_FORMATS = ['txt', 'vtt', 'srt', 'tsv', 'json'] as const;
export const FORMATS = [...OPENAI_FORMATS, 'lrc', 'csv', 'verbose_json'] as const;
/** The kinds of output file. */
export type Format = (typeof FORMATS)[number];

const WRITERS: Readonly<Record<Format, (transcript: Transcript, options: WrapOptions) => string>> = {
  txt: writeTxt,
  vtt: writeVtt,
  srt: writeSrt,
  tsv: writeTsv,
  json: writeJson,
  lrc: writeLrc,
  csv: writeCsv,
  verbose_json: writeVerboseJson,
};

/** What a file of that kind is called behind the name of its recording. */
export function extensionOf(format: Format): string {
  // Beside the `json` of the same recording, and still a .json file to whoever opens it.
  return format === 'verbose_json' ? 'verbose.json' : format;
}

/**
 * The text of one output file; txt, vtt, srt, tsv and json byte for byte (in UTF-8) as openai/whisper's writer of that
 * name prints it.
 *
 * @param options how words are laid out in vtt, srt and lrc; needs word times
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
