/** A list of recordings: a path, an address or a manifest's JSON object a line. */
import { existsSync } from 'node:fs';
import { isAbsolute, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OptionsError } from '../../base/errors.ts';
import { type BatchItem, type ItemOptions, isFile } from '../item.ts';
import { nameOfAddress, nameOfPath } from '../names.ts';
import { fileItem } from './fileItem.ts';
import { type Line, linesOf } from './lines.ts';
import { type ManifestLine, manifestLine } from './manifestLine.ts';
import type { Source } from './source.ts';

export interface ListPlace {
  /** For messages: `list.txt`, `standard input`. */
  readonly name: string;
  /** That paths are counted from. */
  readonly folder: string;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Empty lines and those that begin with `#` are left out. */
export function listSource({ name, folder, open }: ListPlace, reader: ItemOptions): Source {
  return {
    async *items(signal) {
      /** id -> number of its line */
      const ids = new Map<string, number>();
      const missing: string[] = [];
      let files = 0;
      let count = 0;
      for await (const { number, text } of linesOf(open(), name)) {
        signal.throwIfAborted();
        const line = text.trim();
        if (line === '' || line.startsWith('#')) continue;
        const where = `${name}, line ${number}`;
        const entry = line.startsWith('{') ? manifestLine(line, where, reader) : { audio: line };
        if (entry.id) refuseTwice(ids, entry.id.id, { number, text }, name);
        const item = await itemOf(entry, folder, where);
        count++;
        if (isFile(item.audio)) {
          files++;
          if (item.version === '' && !existsSync(item.audio)) missing.push(item.audio);
        }
        yield item;
      }
      if (count === 0) throw new OptionsError('manifest', `${name} names no recording.`);
      // One of many fails by itself; when it is all of them, they are looked for in the wrong place.
      if (missing.length > 1 && missing.length === files && files === count) throw noneThere(name, missing, folder);
    },
  };
}

async function itemOf(
  { audio, id, seconds, options }: ManifestLine,
  folder: string,
  where: string,
): Promise<BatchItem> {
  const item = isFile(audio) || /^file:/i.test(audio) ? await local(audio, folder, where) : remote(audio, where);
  return { ...item, ...id, ...(seconds !== undefined && { seconds }), ...(options !== undefined && { options }) };
}

function local(audio: string, folder: string, where: string): Promise<BatchItem> {
  let path = audio;
  if (/^file:/i.test(audio)) {
    try {
      path = fileURLToPath(audio);
    } catch {
      throw new OptionsError('manifest', `${where}: ${audio} is the address of no file of this machine.`);
    }
  }
  const name = isAbsolute(path) ? nameOfPath(path.slice(path.search(/[^/\\]*$/))) : nameOfPath(path);
  return fileItem(normalize(path).replaceAll('\\', '/'), resolve(folder, path), name);
}

/** Its version is asked for later, of many at once. */
function remote(address: string, where: string): BatchItem {
  if (!/^(https?|s3):/i.test(address) || !URL.canParse(address)) {
    throw new OptionsError('manifest', `${where}: ${address} is no address that recordings are read from.`, {
      hint: 'Addresses begin with http:, https: or s3:.',
    });
  }
  return { id: address, audio: address, name: nameOfAddress(address), version: '' };
}

function refuseTwice(ids: Map<string, number>, id: string, { number }: Line, name: string): void {
  const first = ids.get(id);
  if (first !== undefined) {
    throw new OptionsError('manifest', `${name}, line ${number}: the id "${id}" is that of line ${first} too.`);
  }
  ids.set(id, number);
}

function noneThere(name: string, [first]: readonly string[], folder: string): OptionsError {
  return new OptionsError('manifest', `None of the files that ${name} names is there; the first is ${first}.`, {
    hint: `Paths are counted from ${folder}.`,
  });
}
