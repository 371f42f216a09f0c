/**
 * What the outputs of a recording are called below the folder for them. A name depends on the recording alone, and, where
 * two would write one file, on who else wants it: then on the extension, then on a hash of the id. So it is the same on every
 * machine and at every rerun over the same recordings.
 */
import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { OptionsError } from '../base/errors.ts';
import { apart } from '../files/apart.ts';
import { extensionOf, type Format } from '../output/writer.ts';
import type { BatchItem } from './item.ts';

/** File systems take 255 bytes; an extension and a number follow. */
const MOST_BYTES = 200;

/** `a/b/talk.mp3` -> `a/b/talk`; folders above the one it is counted from are left out. */
export function nameOfPath(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '' && part !== '.' && part !== '..');
  const last = parts.pop() ?? 'recording';
  return [...parts, last.slice(0, last.length - extname(last).length)].map(plain).join('/');
}

/** `https://host/a/talk.mp3?x=1` -> `talk` */
export function nameOfAddress(address: string): string {
  const { hostname, pathname } = new URL(address);
  const last = pathname.split('/').findLast((part) => part !== '') ?? hostname;
  return nameOfPath(decoded(last).replace(/[/\\]/g, '_'));
}

/** An id as it is, folders and all. @returns undefined for one that leads out of the folder or names none */
export function nameOfId(id: string): string | undefined {
  const parts = id.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return undefined;
  return parts.map(plain).join('/');
}

/** Eight hexadecimal digits. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * Every recording once, with an id and a name that no other has.
 *
 * @param ignoresCase the folder takes `Talk.txt` and `talk.txt` for one file
 * @throws {OptionsError} `manifest` for one that is listed twice with different options
 */
export function distinct(
  items: readonly BatchItem[],
  formats: readonly Format[],
  ignoresCase: boolean,
): { readonly items: readonly BatchItem[]; readonly repeated: number } {
  const once = new Map<string, BatchItem>();
  for (const item of items) once.set(JSON.stringify([item.id, item.audio, item.options ?? null]), item);
  // The same path below two folders that were named.
  const byAudio = apart(
    [...once.values()],
    ({ id }) => [id],
    (group) => group.map((item) => ({ ...item, id: item.audio })),
  );
  const ids = new Set<string>();
  for (const { id } of byAudio) {
    if (ids.has(id)) throw twice(id);
    ids.add(id);
  }
  const keysOf = ({ name }: BatchItem): string[] =>
    formats.map((format) => {
      const file = `${name}.${extensionOf(format)}`;
      return ignoresCase ? file.normalize('NFC').toLowerCase() : file;
    });
  const byExtension = apart(byAudio, keysOf, (group) => group.map(withExtension));
  const named = apart(byExtension, keysOf, (group) => group.map(withHash));
  return { items: named, repeated: items.length - once.size };
}

function withExtension(item: BatchItem): BatchItem {
  const { name, audio } = item;
  return { ...item, name: `${name}${plain(extname(audio.replace(/[?#].*$/, '')))}` };
}

function withHash(item: BatchItem): BatchItem {
  return { ...item, name: `${item.name}-${shortHash(item.id)}` };
}

function twice(id: string): OptionsError {
  return new OptionsError('manifest', `${id} is listed twice, with different options.`, {
    hint: 'Give each an "id" of its own: its files are called after it.',
  });
}

/** A part of a path that every file system takes. */
function plain(part: string): string {
  const name = part.replace(/[\\:*?"<>|\p{Cc}]/gu, '_');
  if (Buffer.byteLength(name) <= MOST_BYTES) return name;
  const characters = [...name];
  while (Buffer.byteLength(characters.join('')) > MOST_BYTES - 9) characters.pop();
  return `${characters.join('')}-${shortHash(part)}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a percent sign of its own
  }
}
