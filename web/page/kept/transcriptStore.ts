/**
 * Transcripts that are kept on this device, in IndexedDB: what a list shows of each, its text, its sound, each in a store of
 * its own, so that a list reads no texts and a text no sound.
 */
import type { TranscriptSummary } from 'sotto/core';
import type { PageOptions } from '../asked.ts';
import type { PageSegment, Peaks } from '../transcriptDocument.ts';

/** What a list shows. */
export interface KeptEntry {
  readonly id: string;
  /** Of the recording. */
  readonly name: string;
  /** Milliseconds since 1970, when it was first kept and when it was last changed. */
  readonly made: number;
  readonly changed: number;
  /** Code, `en`. */
  readonly language: string | undefined;
  /** Seconds. */
  readonly duration: number;
  /** How the text begins. */
  readonly beginning: string;
  readonly model: string;
  readonly options: PageOptions;
}

export interface KeptText {
  readonly segments: readonly PageSegment[];
  readonly summary: TranscriptSummary | undefined;
  readonly peaks: Peaks | undefined;
}

const DATABASE = 'sotto';
const VERSION = 1;
const STORES = ['entries', 'texts', 'sounds'] as const;
type StoreName = (typeof STORES)[number];

/** @throws {DOMException} where a page may keep nothing, in private windows of some browsers */
export async function keepTranscript(entry: KeptEntry, text: KeptText): Promise<void> {
  await write((store) => {
    store('entries').put(entry, entry.id);
    store('texts').put(text, entry.id);
  });
}

/** @throws {DOMException} `QuotaExceededError`, and as above */
export async function keepSound(id: string, sound: Blob): Promise<void> {
  await write((store) => store('sounds').put(sound, id));
}

/** The last that was made first. */
export async function listTranscripts(): Promise<readonly KeptEntry[]> {
  const entries = await read<KeptEntry[]>('entries', (store) => store.getAll()); // as they were put
  return entries.sort((a, b) => b.made - a.made);
}

/** undefined if it is not here any more. */
export async function readTranscript(
  id: string,
): Promise<{ readonly text: KeptText; readonly sound: Blob | undefined } | undefined> {
  const text = await read<KeptText | undefined>('texts', (store) => store.get(id));
  return text && { text, sound: await read<Blob | undefined>('sounds', (store) => store.get(id)) };
}

export async function removeTranscript(id: string): Promise<void> {
  await write((store) => {
    for (const name of STORES) store(name).delete(id);
  });
}

export async function removeAllTranscripts(): Promise<void> {
  await write((store) => {
    for (const name of STORES) store(name).clear();
  });
}

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      for (const name of STORES) request.result.createObjectStore(name);
    };
    request.onsuccess = () => {
      // A later version of the page in another tab needs it closed.
      request.result.onversionchange = () => request.result.close();
      request.result.onclose = forget;
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new DOMException('Another tab has an older version of this page.', 'AbortError'));
  });
  // It may work the next time.
  opened.catch(forget);
  return opened;
}

function forget(): void {
  opened = undefined;
}

async function read<T>(name: StoreName, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    const request = ask(database.transaction(name).objectStore(name));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** All of it or nothing. */
async function write(put: (store: (name: StoreName) => IDBObjectStore) => void): Promise<void> {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORES, 'readwrite');
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    put((name) => transaction.objectStore(name));
  });
}
