/** The file of an adapter's table: in the folder `tuning` of the cache, one for each adapter that was tuned. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCache } from '../../weights/environment.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { makeFolder } from '../files/outputFolder.ts';
import { stageFile } from '../files/stagedFile.ts';
import { isPermitted } from '../runtime/environment.ts';
import {
  type AdapterIdentity,
  MOST_BYTES,
  MOST_TEXT,
  readTable,
  TableFault,
  type TuningTable,
  tableText,
} from './table.ts';

/** What Dawn says beside the standard's info. */
type Info = Partial<GPUAdapterInfo> & { readonly backendType?: unknown };

export function identityOf(
  { vendor, architecture, device, description, backendType }: Info,
  runtime: string,
): AdapterIdentity {
  const text = (value: unknown): string => String(value ?? '').slice(0, MOST_TEXT);
  return {
    runtime,
    vendor: text(vendor),
    architecture: text(architecture),
    device: text(device),
    description: text(description),
    backend: text(backendType),
  };
}

function textOf(adapter: AdapterIdentity): string {
  const { runtime, vendor, architecture, device, description, backend } = adapter;
  return [runtime, vendor, architecture, device, description, backend].join('\n');
}

/** @throws {WeightsError} `noCache` where there is no folder for it */
export function tablePath(adapter: AdapterIdentity): string {
  const name = (adapter.description || [adapter.vendor, adapter.device].join('-')).toLowerCase();
  const readable = name
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
  const hash = createHash('sha256').update(textOf(adapter)).digest('hex').slice(0, 12);
  return join(defaultCache(), 'tuning', `${readable || 'gpu'}-${hash}.json`);
}

/**
 * @returns undefined where there is no file
 * @throws {TableFault} where there is one that is not to be used
 */
export function readTableFile(path: string, adapter: AdapterIdentity): TuningTable | undefined {
  if (!isPermitted({ name: 'read', path })) return undefined;
  const text = textWithin(path);
  if (text === undefined) return undefined;
  const table = readTable(text);
  if (textOf(table.adapter) !== textOf(adapter)) throw new TableFault('is that of another GPU');
  return table;
}

/** Whole or not at all: what was there is there until the new one is. @throws the system's error */
export function writeTableFile(path: string, table: TuningTable): void {
  makeFolder(join(path, '..'));
  stageFile(path, tableText(table)).publish();
}

/** @throws {TableFault} */
function textWithin(path: string): string | undefined {
  let file: number;
  try {
    const info = statSync(path);
    // To open a pipe is to wait for who writes.
    if (!info.isFile()) throw new TableFault('is no file');
    file = openSync(path, 'r');
  } catch (error) {
    if (isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error instanceof TableFault ? error : unreadable(error);
  }
  try {
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > MOST_BYTES) throw new TableFault('is larger than a table can be');
    return bytes.toString('utf8', 0, length);
  } catch (error) {
    throw error instanceof TableFault ? error : unreadable(error);
  } finally {
    closeSync(file);
  }
}

function unreadable(error: unknown): TableFault {
  return new TableFault(`cannot be read: ${isSystemError(error) ? systemReason(error) : String(error)}`);
}
