/** A file that is written beside its place and put there by renaming. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isSystemError } from '../base/systemErrors.ts';
import { temporaryName } from './outputFolder.ts';

/** Symbolic links that are followed, as Linux does. */
const MAX_LINKS = 40;

export interface StagedFile {
  /** Renames it to its place, whose mode and links are kept. @throws the system's error; then it is removed */
  publish(): void;
  discard(): void;
}

export interface StageOptions {
  /** Of the file beside it, which is new. */
  readonly name?: string;
  /** Waits until the disk has it: a machine that loses power then has a whole file, or the one before. */
  readonly isSynced?: boolean;
}

/** @throws the system's error; then nothing is left */
export function stageFile(path: string, content: string | Uint8Array, options: StageOptions = {}): StagedFile {
  const { name = temporaryName(), isSynced = false } = options;
  const target = linked(path);
  const temporary = join(dirname(target), name);
  const discard = (): void => rmSync(temporary, { force: true });
  const orDiscard = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      discard();
      throw error;
    }
  };
  orDiscard(() => {
    const file = openSync(temporary, 'wx');
    try {
      writeFileSync(file, content);
      if (isSynced) sync(file);
    } finally {
      closeSync(file);
    }
  });
  return {
    publish: () =>
      orDiscard(() => {
        const there = statOf(target);
        if (there) keepMode(temporary, there);
        renameSync(temporary, target);
      }),
    discard,
  };
}

/** Some file systems of networks and of users' programs have no such call. */
function sync(file: number): void {
  try {
    fsyncSync(file);
  } catch (error) {
    if (!isSystemError(error) || !['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(error.code)) throw error;
  }
}

/** The file at the end of symbolic links, there or not: the link is kept. */
export function linked(path: string): string {
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

export function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function keepMode(path: string, { mode }: Stats): void {
  try {
    chmodSync(path, mode & 0o7777);
  } catch {
    // Not on this file system, which then has no modes to keep.
  }
}
