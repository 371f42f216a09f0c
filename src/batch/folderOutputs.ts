/** Outputs in a folder. */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { OutputError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { isAlive } from '../files/isAlive.ts';
import { makeFolder, tryFolder } from '../files/outputFolder.ts';
import { checkTarget } from '../files/outputPlan.ts';
import { type StagedFile, stageFile } from '../files/stagedFile.ts';
import { extensionOf, type Format } from '../output/writer.ts';
import type { BatchItem } from './item.ts';
import type { OutputFile, OutputStore } from './outputs.ts';

/** `.HOST-PID-RANDOM-NUMBER.part`: of a process that is gone it is removed at the next start. */
const TEMPORARY = /^\.([\da-f]{6})-(\d+)-[\da-f]{4}-\d+\.part$/;
/** They stand for milliseconds: one of another machine that is older is left over. */
const STALE_MS = 3_600_000;

/** Files that are written and not in place, for the end of the process. */
const staged = new Set<StagedFile>();
let isWatching = false;

export class FolderOutputs implements OutputStore {
  readonly place: string;
  readonly formats: readonly Format[];
  readonly #host = hostMark(hostname());
  /** Containers may have one name, and the same number for their process. */
  readonly #random = randomBytes(2).toString('hex');
  /** Folders that files can be written to. */
  readonly #tried = new Set<string>();
  #count = 0;

  constructor(folder: string, formats: readonly Format[]) {
    this.place = folder;
    this.formats = formats;
  }

  path({ name }: Pick<BatchItem, 'name'>, format: Format): string {
    return join(this.place, `${name}.${extensionOf(format)}`);
  }

  async has(item: BatchItem): Promise<boolean> {
    return this.formats.every((format) => isFile(this.path(item, format)));
  }

  check(item: BatchItem): void {
    const folder = join(this.place, dirname(item.name));
    if (!this.#tried.has(folder)) tryBelow(folder);
    this.#tried.add(folder);
    for (const format of this.formats) checkTarget({ format, path: this.path(item, format) });
  }

  async publish(
    item: BatchItem,
    _key: string,
    files: readonly OutputFile[],
    beforePublish?: () => void | Promise<void>,
  ): Promise<void> {
    discardAtExit();
    const own: StagedFile[] = [];
    try {
      for (const { format, bytes } of files) {
        const path = this.path(item, format);
        makeFolder(dirname(path));
        const file = stageFile(path, bytes, { name: this.#temporaryName(), isSynced: true });
        own.push(file);
        staged.add(file);
      }
      await beforePublish?.();
      for (const file of own) file.publish();
    } catch (error) {
      for (const file of own) file.discard();
      if (!isSystemError(error)) throw error;
      const paths = files.map(({ format }) => this.path(item, format)).join(', ');
      throw new OutputError('file', `${paths} cannot be written: ${systemReason(error)}.`, { cause: error });
    } finally {
      for (const file of own) staged.delete(file);
    }
  }

  /** Removes what processes that are gone have left where these items have their outputs. */
  removeStale(items: Iterable<Pick<BatchItem, 'name'>>): void {
    const folders = new Set<string>();
    for (const { name } of items) folders.add(join(this.place, dirname(name)));
    for (const folder of folders) {
      for (const name of namesIn(folder)) {
        if (this.#isStale(folder, name)) rmSync(join(folder, name), { force: true });
      }
    }
  }

  #isStale(folder: string, name: string): boolean {
    const [, host, pid] = TEMPORARY.exec(name) ?? [];
    if (host === undefined) return false;
    if (host === this.#host && !isAlive(Number(pid))) return true;
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    return file !== undefined && Date.now() - file.mtimeMs > STALE_MS;
  }

  #temporaryName(): string {
    return `.${this.#host}-${process.pid}-${this.#random}-${this.#count++}.part`;
  }
}

/** @throws {OutputError} `file`: one below the place is a fault of the recordings in it alone */
function tryBelow(folder: string): void {
  try {
    tryFolder(folder);
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    const { message, hint, cause } = error;
    throw new OutputError('file', message, { cause, ...(hint !== undefined && { hint }) });
  }
}

function discardAtExit(): void {
  if (isWatching) return;
  isWatching = true;
  process.once('exit', () => {
    for (const file of staged) file.discard();
  });
}

/** Six hexadecimal digits: names of files have little room. */
function hostMark(name: string): string {
  let hash = 0x811c9dc5;
  for (const unit of Buffer.from(name)) hash = Math.imul(hash ^ unit, 0x01000193);
  return (hash >>> 8).toString(16).padStart(6, '0');
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // not there, or its path leads through a file
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // yet to be made
  }
}
