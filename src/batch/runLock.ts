/** One run at a time writes a journal: a second one on the same machine would do all of the work once more. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { OptionsError, OutputError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { isAlive } from '../files/isAlive.ts';
import { makeFolder } from '../files/outputFolder.ts';

/**
 * @param journal its path; the lock, `.NAME.lock`, stands beside it
 * @returns what lets it go; at the end of the process it goes by itself
 * @throws {OptionsError} `stateFolder` if another run has it; {OutputError} `file`
 */
export function lockJournal(journal: string): () => void {
  const path = join(dirname(journal), `.${basename(journal)}.lock`);
  const own = `${process.pid} ${hostname()}\n`;
  const holder = readLock(path);
  // Of another machine nobody knows whether it still runs.
  if (holder?.host === hostname() && isAlive(holder.pid)) {
    throw new OptionsError('stateFolder', `Another run of sotto batch writes ${journal}: process ${holder.pid}.`, {
      hint: `Wait for it, or take another folder. If that process is none of sotto's: remove ${path}.`,
    });
  }
  try {
    makeFolder(dirname(path));
    writeFileSync(path, own);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new OutputError('file', `${path} cannot be written: ${systemReason(error)}.`, { cause: error });
  }
  const release = (): void => {
    process.off('exit', release);
    if (readText(path) === own) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

function readLock(path: string): { readonly pid: number; readonly host: string } | undefined {
  const [, pid, host] = /^(\d+) (.*)\n$/.exec(readText(path) ?? '') ?? [];
  return host === undefined ? undefined : { pid: Number(pid), host };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not there
  }
}
