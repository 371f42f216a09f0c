/** All writers: a transcript in, the text of one output file out. */

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

/** openai/whisper's formats in its order: what `all` stands for. */
export const OPENAI_FORMATS = ['txt', 'vtt', 'srt', 'tsv', 'json'] as const;
export const FORMATS = [...OPENAI_FORMATS, 'lrc', 'csv', 'verbose_json'] as const;
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

/** The extension of a format's files. */
export function extensionOf(format: Format): string {
  // Different from the `json` file of the same recording, and still a .json file for other programs.
  return format === 'verbose_json' ? 'verbose.json' : format;
}

/**
 * The text of one output file; txt, vtt, srt, tsv and json byte for byte (in UTF-8) as openai/whisper's writer of that
 * name prints it.
 *
 * @param options layout of words in vtt, srt and lrc; needs word times
 * @throws {OptionsError} `wordsNeeded` when an option needs word times that the transcript does not have
 * @see openai/whisper, whisper/utils.py, get_writer
 */
export function write(transcript: Transcript, format: Format, options: WrapOptions = {}): string {
  if (!hasWords(transcript)) {
    const asked = Object.entries(options).find(([, value]) => value !== undefined && value !== false);
    if (asked && transcript.segments.length > 0)
      throw new OptionsError('wordsNeeded', `${asked[0]} needs word times, which this transcript does not have.`, {
        hint: 'Transcribe with word timestamps.',
      });
  }
  return WRITERS[format](transcript, options);
}
