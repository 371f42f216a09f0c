/**
 * What has become of recordings: one JSON object a line, appended and never changed. Every process that works by itself writes
 * a file of its own, since appends by several machines over a network may be torn; all are read.
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OutputError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { makeFolder } from '../files/outputFolder.ts';

export interface JournalEntry {
  readonly id: string;
  /** Of `itemKey`. */
  readonly key: string;
  readonly status: 'done' | 'failed';
  /** Of the sound; of what is done. */
  readonly seconds?: number;
  /** Of the file, where that is known. */
  readonly bytes?: number;
  /** What the key was made with: `BatchItem.version`. */
  readonly version?: string;
  /** That it took. */
  readonly ms: number;
  /** Of what failed. */
  readonly code?: string;
  readonly error?: string;
  readonly hint?: string;
  /** Unix milliseconds would be for machines alone: 2026-11-29T00:00:00.000Z. */
  readonly at: string;
}

const NAME = /^batch.*\.jsonl$/;

/** Appends to a journal; opened with the first line. */
export class Journal {
  readonly path: string;
  #file: number | undefined;

  /** @param name `batch.jsonl`, or `batch-SOMETHING.jsonl` */
  constructor(folder: string, name: string) {
    this.path = join(folder, name);
  }

  /** @throws {OutputError} `file` */
  append(entry: JournalEntry): void {
    try {
      if (this.#file === undefined) {
        makeFolder(dirname(this.path));
        this.#file = openAtLine(this.path);
      }
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      // In one write, so that no reader sees a part of it.
      const written = writeSync(this.#file, line);
      if (written < line.length) writeSync(this.#file, line, written);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new OutputError('file', `${this.path} cannot be written: ${systemReason(error)}.`, { cause: error });
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** A file that ends within a line, since its writer died there, gets the end of that line. */
function openAtLine(path: string): number {
  const file = openSync(path, 'a+');
  const { size } = fstatSync(file);
  if (size > 0) {
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, size - 1);
    if (last.toString() !== '\n') writeSync(file, '\n');
  }
  return file;
}

export interface ReadJournals {
  /** In the order of their times. */
  readonly entries: readonly JournalEntry[];
  /** Lines that are no entries: cut off by a crash, or damaged. */
  readonly damaged: number;
}

/** All journals of a folder; none if it is not there. @throws {OutputError} `file` for one that cannot be read */
export function readJournals(folder: string): ReadJournals {
  const entries: JournalEntry[] = [];
  let damaged = 0;
  for (const name of namesIn(folder)) {
    for (const line of readText(join(folder, name)).split('\n')) {
      if (line === '') continue;
      const entry = entryOf(line);
      if (entry) entries.push(entry);
      else damaged++;
    }
  }
  entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { entries, damaged };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => NAME.test(name));
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return [];
    throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OutputError('file', `${path}, what was done before, cannot be read: ${systemReason(error)}.`, {
      cause: error,
    });
  }
}

function entryOf(line: string): JournalEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEntry(value) ? value : undefined;
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, key, status, at } = value as Readonly<Record<string, unknown>>; // an object may be asked for every name
  return typeof id === 'string' && typeof key === 'string' && typeof at === 'string' && isStatus(status);
}

function isStatus(value: unknown): value is JournalEntry['status'] {
  return value === 'done' || value === 'failed';
}
