/** From what is named on the command line to sources. */
import { createReadStream, type Stats, statSync } from 'node:fs';
import { basename, dirname, normalize, resolve } from 'node:path';
import { lookAtRecordings } from '../../files/recordings.ts';
import { type BatchItem, type ItemOptions, isFile } from '../item.ts';
import { nameOfAddress, nameOfPath } from '../names.ts';
import { isS3Address } from '../s3/address.ts';
import type { BucketOf } from '../s3/openS3.ts';
import { fileItem } from './fileItem.ts';
import { type FolderOptions, folderSource } from './folderSource.ts';
import { listSource } from './listSource.ts';
import { s3Source } from './s3Source.ts';
import type { Source } from './source.ts';

export interface SourceOptions extends FolderOptions {
  /** What recordings of a list may have for themselves. */
  readonly reader: ItemOptions;
  /** Of `-`. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly bucketOf: BucketOf;
}

const LIST = /\.(txt|lst|list|jsonl|ndjson)$/i;

/**
 * @param given a folder, a recording, an address, a prefix in S3, a list (by its extension), or `-` for a list on standard input
 * @throws {AudioError} for what is not there
 */
export function sourceOf(given: string, options: SourceOptions): Source {
  if (given === '-') {
    const place = { name: 'standard input', folder: process.cwd(), open: options.stdin };
    return listSource(place, options.reader);
  }
  if (isS3Address(given)) return s3Source(given, options.bucketOf, options);
  if (!isFile(given)) return addressSource(given);
  const there = statOf(given);
  if (there?.isDirectory()) return folderSource(given, options);
  if (there && LIST.test(given)) return fileOfList(given, options.reader);
  return recordingSource(given);
}

/** A list whatever its extension. @throws {AudioError} if it is not there */
export function fileOfList(path: string, reader: ItemOptions): Source {
  checkThere(path);
  const place = { name: path, folder: dirname(resolve(path)), open: () => createReadStream(path) };
  return listSource(place, reader);
}

function addressSource(address: string): Source {
  checkThere(address);
  const item: BatchItem = { id: address, audio: address, name: nameOfAddress(address), version: '' };
  return {
    async *items() {
      yield item;
    },
  };
}

function recordingSource(path: string): Source {
  checkThere(path);
  const id = normalize(path).replaceAll('\\', '/');
  return {
    async *items() {
      yield await fileItem(id, resolve(path), nameOfPath(basename(path)));
    },
  };
}

/** With the guesses of the command. */
function checkThere(given: string): void {
  const [refused] = lookAtRecordings([given]).refused;
  if (refused) throw refused.error;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // its path leads through a file
  }
}
