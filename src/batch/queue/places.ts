/**
 * Where the outputs of jobs go, as a worker on another machine finds it. A folder is known by a mark in it, not by its path
 * alone: where the disk that it lies on is not mounted, a worker would write to a folder of that name which nobody sees.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutputError, QueueError, SottoError } from '../../base/errors.ts';
import { isSystemError, systemReason } from '../../base/systemErrors.ts';
import { makeFolder } from '../../files/outputFolder.ts';
import type { Format } from '../../output/writer.ts';
import { FolderOutputs } from '../folderOutputs.ts';
import type { BatchItem } from '../item.ts';
import { Journal, type JournalEntry, readJournals } from '../journal.ts';
import { openOutputs } from '../openOutputs.ts';
import type { OutputStore } from '../outputs.ts';
import { isS3Address, parseS3Address } from '../s3/address.ts';
import type { BucketOf } from '../s3/openS3.ts';
import type { OutputPlace } from './job.ts';

/** Its content is the mark. */
const MARK_FILE = '.sotto-place';
const MARK_ATTEMPTS = 40;
const MARK_PAUSE_MS = 50;

/** A place as who has a job sees it. */
export interface OpenPlace {
  readonly outputs: OutputStore;
  /**
   * Are outputs there that were made under this key?
   *
   * @param isFresh looks for what others have done since the place was opened
   */
  isDone(item: BatchItem, key: string, isFresh: boolean): Promise<boolean>;
  /** @throws {OutputError} `file` */
  append(entry: JournalEntry): void;
  close(): void;
}

/**
 * The place that is named on the command line: a folder is made and marked, unless it is.
 *
 * @throws {OutputError} `folder`; {OptionsError} `badValue` for an address of S3 that is none
 */
export async function markedPlace(out: string): Promise<OutputPlace> {
  if (isS3Address(out)) {
    parseS3Address(out);
    return { kind: 's3', address: out };
  }
  const path = resolve(out);
  try {
    makeFolder(path);
    return { kind: 'folder', path, mark: await markOf(path) };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new OutputError('folder', `Nothing can be written to the folder ${path}: ${systemReason(error)}.`, {
      hint: 'Name another one with --output_dir.',
      cause: error,
    });
  }
}

/** Of who marks it first. @throws the system's error */
async function markOf(folder: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const mark = readMark(folder);
    if (mark !== undefined) return mark;
    try {
      writeFileSync(join(folder, MARK_FILE), `${randomUUID()}\n`, { flag: 'wx' });
    } catch (error) {
      // Somebody else has made the file, and writes to it at this moment.
      if (!isSystemError(error) || error.code !== 'EEXIST' || attempt === MARK_ATTEMPTS) throw error;
      await sleep(MARK_PAUSE_MS);
    }
  }
}

export class Places {
  readonly #bucketOf: BucketOf;
  readonly #otherPath: string | undefined;
  readonly #open = new Map<string, OpenPlace>();

  /** @param otherPath where folders are found on this machine, if not where they were when jobs were put in */
  constructor(bucketOf: BucketOf, otherPath?: string) {
    this.#bucketOf = bucketOf;
    this.#otherPath = otherPath;
  }

  /** @throws {QueueError} `place` if it cannot be reached from here; {OptionsError} `badValue` */
  async open(place: OutputPlace, formats: readonly Format[]): Promise<OpenPlace> {
    const key = JSON.stringify([place, formats]);
    const known = this.#open.get(key);
    if (known && place.kind === 's3') return known;
    const opened = place.kind === 's3' ? await this.#s3(place.address, formats) : this.#folder(place, formats, known);
    this.#open.set(key, opened);
    return opened;
  }

  close(): void {
    for (const place of this.#open.values()) place.close();
  }

  async #s3(address: string, formats: readonly Format[]): Promise<OpenPlace> {
    const outputs = await openOutputs(address, formats, this.#bucketOf).catch((error: unknown) => {
      if (!(error instanceof SottoError)) throw error;
      throw new QueueError('place', error.message, error.hint === undefined ? {} : { hint: error.hint });
    });
    return { outputs, isDone: (item, itemKey) => outputs.has(item, itemKey), append: () => {}, close: () => {} };
  }

  /** Looked at each time: a disk may go away. */
  #folder(
    { path, mark }: OutputPlace & { kind: 'folder' },
    formats: readonly Format[],
    known: OpenPlace | undefined,
  ): OpenPlace {
    const here = this.#otherPath ?? path;
    if (readMark(here) !== mark) {
      throw new QueueError(
        'place',
        `The folder for the outputs, ${here}, is not here the one that it is for who gave the job.`,
        {
          hint: 'Workers see it at the same path, as a shared disk, or at the one after -o.',
        },
      );
    }
    return known ?? folderPlace(here, formats);
  }
}

function folderPlace(folder: string, formats: readonly Format[]): OpenPlace {
  const outputs = new FolderOutputs(folder, formats);
  /** Folders below it from which what dead workers have left was removed. */
  const clean = new Set<string>();
  const journal = new Journal(folder, journalName());
  let done: Set<string> | undefined;
  return {
    outputs,
    async isDone(item, key, isFresh) {
      const below = dirname(item.name);
      if (!clean.has(below)) outputs.removeStale([item]);
      clean.add(below);
      if (!done || isFresh) done = doneKeys(folder);
      return done.has(key) && (await outputs.has(item));
    },
    append: (entry) => journal.append(entry),
    close: () => journal.close(),
  };
}

/** Of the last of what was made of each recording. */
function doneKeys(folder: string): Set<string> {
  const last = new Map<string, string>();
  for (const { id, key, status } of readJournals(folder).entries) if (status === 'done') last.set(id, key);
  return new Set(last.values());
}

/** Each process has its own: appends by several machines over a network may be torn. */
function journalName(): string {
  const host = hostname()
    .replace(/[^\w-]/g, '_')
    .slice(0, 40);
  return `batch-queue-${host}-${process.pid}-${Date.now().toString(36)}.jsonl`;
}

function readMark(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, MARK_FILE), 'utf8').trim() || undefined;
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
