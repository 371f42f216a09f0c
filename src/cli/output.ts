/** Output files, written whole or not at all: beside their place first, then renamed into it. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { WrapOptions } from '../output/wrap.ts';
import { extensionOf, type Format, OPENAI_FORMATS, write } from '../output/writer.ts';
import type { Transcript } from '../transcribe/transcript.ts';

/**
 * Writes what was made of one recording; the names are the recording's with the format's extension.
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
    writeWhole(path, write(transcript, kind, layout));
    return path;
  });
}

/** Puts `text` at `path` in one step, so that nobody ever sees half of it. */
export function writeWhole(path: string, text: string): void {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    writeFileSync(beside, text);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
