/** A recording of a batch, and the key that says whether what is there of it is still what would be made. */
import { createHash } from 'node:crypto';
import type { WrapOptions } from '../output/wrap.ts';
import type { Format } from '../output/writer.ts';
import { resolveTranscribeOptions, type TranscribeOptions } from '../transcribe/options.ts';

/** Plain data: it goes to other processes and into queues. */
export interface BatchItem {
  /** Unique in a batch, and the same on every machine: of a file its path below the folder that was named. */
  readonly id: string;
  /** An absolute path, or an address (`https:`, `s3:`). */
  readonly audio: string;
  /** Of its outputs below the folder for them, with `/` between folders and without extension. */
  readonly name: string;
  /** Another one when the recording has changed: size and time of a file, ETag of an address; empty if that is not known. */
  readonly version: string;
  /** Of the file. */
  readonly bytes?: number | undefined;
  /** Of the sound, where a manifest says so. */
  readonly seconds?: number | undefined;
  /** Options of this recording, by their names on the command line and as they are written there. */
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** What a recording is transcribed and written with. */
export interface ItemSettings {
  readonly transcribe: TranscribeOptions;
  readonly layout: WrapOptions;
}

/** Reads options as they are written on the command line: `beam_size`. */
export interface ItemOptions {
  /** Those that a recording may have for itself. */
  readonly names: readonly string[];
  /** With those of the command line for what is not given. @throws {OptionsError} */
  read(texts: ReadonlyMap<string, string>): ItemSettings;
}

/** What all recordings of a run have in common, as far as outputs depend on it. */
export interface RunIdentity {
  /** Whose weights: of `modelIdentity`. */
  readonly model: string;
  readonly formats: readonly Format[];
}

/** Counts up when the same options begin to give other files, so that a rerun makes them again. */
const OUTPUTS_VERSION = 1;

/**
 * Equal for two runs if the second would write what the first has written, at the same place: 64 hexadecimal digits.
 *
 * @param settings those of the item
 */
export function itemKey(item: BatchItem, run: RunIdentity, settings: ItemSettings): string {
  return keyOf(item, run, settingsIdentity(settings));
}

/** The same with what `settingsIdentity` has given: most items of a run share their settings. */
export function keyOf(
  { id, audio, name, version }: BatchItem,
  { model, formats }: RunIdentity,
  settings: string,
): string {
  // Where a file lies differs from machine to machine, and addresses have signatures that change.
  const source = isFile(audio) || version !== '' ? id : `${id} ${audio}`;
  const parts = [OUTPUTS_VERSION, source, name, version, model, [...formats].sort(), settings];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** What of settings differs from the defaults, as a text: an option that a later version adds changes no key. */
export function settingsIdentity({ transcribe, layout }: ItemSettings): string {
  const defaults = textsOf(resolveTranscribeOptions({}));
  const changed = [...textsOf(resolveTranscribeOptions(transcribe))].filter(
    ([name, text]) => defaults.get(name) !== text,
  );
  return JSON.stringify([changed, [...textsOf(layout)]]);
}

/** Is it read from a file system, not from an address? */
export function isFile(audio: string): boolean {
  return !/^[a-z][a-z\d+.-]+:\/\//i.test(audio);
}

/** Values by name, in the order of names; those without a value are left out. */
function textsOf(options: object): Map<string, string> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return new Map(given.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, JSON.stringify(value)]));
}
