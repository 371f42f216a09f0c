/** A line of a manifest: `{"id": "a1", "audio": "a1.wav", "options": {"language": "de"}}`. */
import { OptionsError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { ItemOptions } from '../item.ts';
import { nameOfId } from '../names.ts';

export interface ManifestLine {
  readonly audio: string;
  /** With the name of the outputs. */
  readonly id?: { readonly id: string; readonly name: string };
  readonly seconds?: number;
  readonly options?: Readonly<Record<string, string>>;
}

const FIELDS = ['id', 'audio', 'options', 'seconds'] as const;
const MOST_ID = 1000;

/**
 * @param where for messages: `list.jsonl, line 3`
 * @throws {OptionsError} `manifest`
 */
export function manifestLine(text: string, where: string, reader: ItemOptions): ManifestLine {
  const line = objectOf(text, where);
  for (const name of line.keys()) {
    // Data sets have fields of their own; one that is misspelt is not one of them.
    const meant = FIELDS.includes(name as (typeof FIELDS)[number]) ? undefined : nearest(name.toLowerCase(), FIELDS);
    if (meant !== undefined) throw wrong(where, `it has "${shown(name)}".`, `Did you mean "${meant}"?`);
  }
  const audio = line.get('audio');
  if (typeof audio !== 'string' || audio.trim() === '') {
    throw wrong(where, 'it names no recording.', 'For example: {"id": "a1", "audio": "a1.wav"}');
  }
  const id = line.get('id');
  const seconds = line.get('seconds');
  const options = line.get('options');
  if (seconds !== undefined && !(typeof seconds === 'number' && seconds >= 0)) {
    throw wrong(where, '"seconds" is not a number of seconds.');
  }
  return {
    audio,
    ...(id !== undefined && { id: idOf(id, where) }),
    ...(typeof seconds === 'number' && { seconds }),
    ...(options !== undefined && { options: optionsOf(options, where, reader) }),
  };
}

function objectOf(text: string, where: string): Map<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(where, `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return entriesOf(value) ?? refuse(wrong(where, 'it is not a JSON object.'));
}

function entriesOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}

function idOf(value: unknown, where: string): { readonly id: string; readonly name: string } {
  const id = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof id !== 'string' || id === '' || id.length > MOST_ID) {
    throw wrong(where, `"id" is not a text of 1 to ${MOST_ID} characters.`);
  }
  const name = nameOfId(id);
  if (name === undefined) {
    throw wrong(where, `no file can be called after the id "${shown(id)}".`, 'It may have folders: "a/b", not "../b".');
  }
  return { id, name };
}

function optionsOf(value: unknown, where: string, reader: ItemOptions): Readonly<Record<string, string>> {
  const given = entriesOf(value) ?? refuse(wrong(where, '"options" is not a JSON object.'));
  const texts = new Map<string, string>();
  for (const [written, one] of given) {
    const name = written.replaceAll('-', '_');
    if (!reader.names.includes(name)) {
      const meant = nearest(name, reader.names);
      const hint = meant === undefined ? 'sotto batch --help lists what there is.' : `Did you mean "${meant}"?`;
      throw wrong(where, `a recording has no option "${shown(written)}".`, hint);
    }
    const text = textOf(one);
    if (text === undefined) throw wrong(where, `the option "${name}" is not a text, a number, true, false or null.`);
    texts.set(name, text);
  }
  try {
    reader.read(texts);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    throw wrong(where, error.message, error.hint);
  }
  return Object.fromEntries(texts);
}

/** A value as it is written on the command line. */
function textOf(value: unknown): string | undefined {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (!Array.isArray(value)) return undefined;
  const texts = value.map(textOf);
  return texts.includes(undefined) ? undefined : texts.join(',');
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function wrong(where: string, what: string, hint?: string): OptionsError {
  return new OptionsError('manifest', `${where}: ${what}`, hint === undefined ? {} : { hint });
}

function refuse(error: OptionsError): never {
  throw error;
}
