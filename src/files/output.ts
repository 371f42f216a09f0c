/** Output files, written atomically: to a temporary file in the same folder, which is then renamed. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { OutputError } from '../base/errors.ts';
import { isSystemError, type SystemError, systemReason } from '../base/systemErrors.ts';
import type { WrapOptions } from '../output/wrap.ts';
import { write } from '../output/writer.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { makeFolder } from './outputFolder.ts';
import type { Target } from './outputPlan.ts';
import { linked, stageFile, statOf } from './stagedFile.ts';

/**
 * Writes the transcript of one recording. What cannot be written to its place is kept in a temporary folder: it is the work
 * of hours.
 *
 * @throws {OutputError} `file`, after all that could be written is
 */
export function writeOutputs(transcript: Transcript, targets: readonly Target[], layout: WrapOptions = {}): void {
  const failed: { readonly path: string; readonly text: string; readonly error: SystemError }[] = [];
  for (const { path, format } of targets) {
    const text = write(transcript, format, layout);
    try {
      makeFolder(dirname(path));
      writeAtomically(path, text);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      failed.push({ path, text, error });
    }
  }
  const [first] = failed;
  if (!first) return;
  const written = targets.map(({ path }) => path).filter((path) => !failed.some((one) => one.path === path));
  const also = written.length > 0 ? ` Written: ${written.join(', ')}.` : '';
  throw new OutputError(
    'file',
    `${failed.map(({ path }) => path).join(', ')} cannot be written: ${systemReason(first.error)}.${also}`,
    { hint: keptElsewhere(failed), cause: first.error },
  );
}

/** Writes a file in one step, so that no reader ever sees half of it. */
export function writeAtomically(path: string, text: string): void {
  const target = linked(path);
  // A pipe or a device is written to, not replaced.
  const there = statOf(target);
  if (there && !there.isFile()) writeFileSync(target, text);
  else stageFile(path, text).publish();
}

/** @returns where the texts are now, as a sentence */
function keptElsewhere(files: readonly { readonly path: string; readonly text: string }[]): string {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-'));
    for (const { path, text } of files) writeFileSync(join(folder, basename(path)), text);
    return `What was to be written is in ${folder}.`;
  } catch {
    return `It cannot be kept in ${tmpdir()} either.`;
  }
}
