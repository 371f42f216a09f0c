/** Output files, written atomically: to a temporary file in the same folder, which is then renamed. */
import { chmodSync, mkdtempSync, readlinkSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { OutputError } from '../base/errors.ts';
import { isSystemError, type SystemError, systemReason } from '../base/systemErrors.ts';
import type { WrapOptions } from '../output/wrap.ts';
import { write } from '../output/writer.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import { makeFolder, temporaryName } from './outputFolder.ts';
import type { Target } from './outputPlan.ts';

/** Symbolic links that are followed, as Linux does. */
const MAX_LINKS = 40;

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
  const there = statOf(target);
  // A pipe or a device is written to, not replaced.
  if (there && !there.isFile()) {
    writeFileSync(target, text);
    return;
  }
  const temporary = join(dirname(target), temporaryName());
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    if (there) keepMode(temporary, there);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
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

/** The file at the end of symbolic links, there or not: the link is kept. */
function linked(path: string): string {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    try {
      at = resolve(dirname(at), readlinkSync(at));
    } catch {
      break; // no link, or nothing
    }
  }
  return at;
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function keepMode(path: string, { mode }: Stats): void {
  try {
    chmodSync(path, mode & 0o7777);
  } catch {
    // Not on this file system, which then has no modes to keep.
  }
}
