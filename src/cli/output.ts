/** Output files, written atomically: to a temporary file in the same folder, which is then renamed. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { WrapOptions } from '../output/wrap.ts';
import { extensionOf, type Format, OPENAI_FORMATS, write } from '../output/writer.ts';
import type { Transcript } from '../transcribe/transcript.ts';

/**
 * Writes the transcript of one recording; the files have its name, with the extension of their format.
 *
 * @returns the paths written
 */
export function writeOutputs(
  transcript: Transcript,
  recording: string,
  folder: string,
  format: Format | 'all',
  layout: WrapOptions = {},
): readonly string[] {
  const stem = basename(recording, extname(recording));
  mkdirSync(folder, { recursive: true });
  return (format === 'all' ? OPENAI_FORMATS : [format]).map((kind) => {
    const path = join(folder, `${stem}.${extensionOf(kind)}`);
    writeAtomically(path, write(transcript, kind, layout));
    return path;
  });
}

/** Writes a file in one step, so that no reader ever sees half of it. */
export function writeAtomically(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
