/**
 * Which files a run will write: known, and checked, before a model is loaded.
 *
 * A recording's files have its name, as openai/whisper has them: `a/talk.mp3` gives `talk.txt`. There two recordings of one
 * name end in one file, and the first transcript is lost. Here those that would collide, and no others, get longer names:
 * `a/talk.mp3` and `b/talk.mp3` become `a/talk.txt` and `b/talk.txt` below the output folder, `talk.mp3` and `talk.wav`
 * become `talk.mp3.txt` and `talk.wav.txt`. Refusing them instead would leave who has a thousand folders with an
 * `audio.m4a` in each no way to name them all.
 */
import { accessSync, constants, existsSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { OptionsError, OutputError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { extensionOf, type Format } from '../output/writer.ts';
import { apart } from './apart.ts';
import { isAddress } from './recordings.ts';

/** One file to write. */
export interface Target {
  readonly format: Format;
  readonly path: string;
}

export interface PlannedOutput {
  /** As it was named. */
  readonly recording: string;
  readonly targets: readonly Target[];
  /** Its own name alone would have collided with another's. */
  readonly isRenamed: boolean;
}

interface Named {
  readonly recording: string;
  /** Below the output folder, without extension. */
  readonly name: string;
}

/**
 * @param recordings  each once
 * @param ignoresCase the folder takes `Talk.txt` and `talk.txt` for one file
 * @throws {OptionsError} `overwrites` if a file to write is one of the recordings
 */
export function planOutputs(
  recordings: readonly string[],
  folder: string,
  formats: readonly Format[],
  ignoresCase = false,
): readonly PlannedOutput[] {
  const targetsOf = (name: string): readonly Target[] =>
    formats.map((format) => ({ format, path: join(folder, `${name}.${extensionOf(format)}`) }));
  const keysOf = (name: string): readonly string[] =>
    targetsOf(name).map(({ path }) => (ignoresCase ? path.normalize('NFC').toLowerCase() : path));
  const plain = recordings.map((recording): Named => ({ recording, name: stemOf(recording) }));
  const inputs = new Set(recordings.map(realPath));
  const plan = ({ recording, name }: Named, i: number): PlannedOutput => {
    const targets = targetsOf(name);
    for (const { path } of targets) if (inputs.has(realPath(path))) throw overwrites(path, recording);
    return { recording, targets, isRenamed: name !== plain[i]?.name };
  };
  plain.forEach(plan);
  const byFolder = apart(plain, ({ name }) => keysOf(name), withFolders);
  const byExtension = apart(
    byFolder,
    ({ name }) => keysOf(name),
    (group) => group.map(withExtension),
  );
  return numbered(byExtension, keysOf).map(plan);
}

/** The name of a recording without its extension; of an address that of the last part of its path. */
export function stemOf(recording: string): string {
  const name = fileNameOf(recording);
  return basename(name, extname(name));
}

/** @throws {OutputError} `file` for a file that cannot be written, as far as that can be known before */
export function checkTarget({ path }: Target): void {
  let there: Stats;
  try {
    there = statSync(path);
  } catch (failure) {
    // A file to be made, with its folder, which is tried by itself.
    const error = isNotThere(failure) ? nameError(path) : failure;
    if (error === undefined) return;
    if (!isSystemError(error)) throw error;
    const bytes = error.code === 'ENAMETOOLONG' ? ` (${Buffer.byteLength(basename(path))} bytes)` : '';
    throw new OutputError('file', `${path} cannot be written: ${systemReason(error)}${bytes}.`, {
      hint: 'Give the recording another name.',
      cause: error,
    });
  }
  if (there.isDirectory()) {
    throw new OutputError('file', `${path} cannot be written: it is a folder.`, { hint: OTHER_FOLDER });
  }
  // Who may write everything (root) does not mean to replace what was set to be kept.
  if ((there.mode & 0o222) === 0 || !isWritable(path)) {
    throw new OutputError('file', `${path} is there, and may not be written: it is not replaced.`, {
      hint: `Make it writable (chmod u+w). ${OTHER_FOLDER}`,
    });
  }
}

/** What is against the name. Of a folder that is yet to be made no name is too long: the nearest one that is there is asked. */
function nameError(path: string): unknown {
  let folder = dirname(resolve(path));
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    statSync(join(folder, basename(path)));
  } catch (error) {
    if (!isNotThere(error)) return error;
  }
  return undefined;
}

function isNotThere(error: unknown): boolean {
  return isSystemError(error) && ['ENOENT', 'ENOTDIR'].includes(error.code);
}

const OTHER_FOLDER = 'Or name another folder with --output_dir.';

/** Below the folders that they are in, as far as those differ. */
function withFolders(group: readonly Named[]): readonly Named[] {
  const folders = group.map(({ recording }) => folderParts(recording));
  const [first = []] = folders;
  let common = 0;
  while (folders.every((parts) => common < parts.length && parts[common] === first[common])) common++;
  return group.map(({ recording, name }, i) => ({ recording, name: join(...folders[i]!.slice(common), name) }));
}

function withExtension({ recording, name }: Named): Named {
  return { recording, name: join(dirname(name), fileNameOf(recording)) };
}

/** A number for what is still taken: addresses that differ in their query, a recording that is called `talk.mp3.flac`. */
function numbered(named: readonly Named[], keysOf: (name: string) => readonly string[]): readonly Named[] {
  const taken = new Set<string>();
  /** By name, the number that is tried next: those below it are taken. */
  const next = new Map<string, number>();
  return named.map(({ recording, name: wanted }) => {
    let n = next.get(wanted) ?? 1;
    const numberedName = (): string => (n === 1 ? wanted : `${wanted}-${n}`);
    while (keysOf(numberedName()).some((key) => taken.has(key))) n++;
    const name = numberedName();
    next.set(wanted, n + 1);
    for (const key of keysOf(name)) taken.add(key);
    return { recording, name };
  });
}

function fileNameOf(recording: string): string {
  if (!isAddress(recording)) return basename(recording);
  const { hostname, pathname } = new URL(recording);
  const last = pathname.split('/').findLast((part) => part !== '') ?? hostname;
  return decoded(last);
}

function folderParts(recording: string): readonly string[] {
  if (!isAddress(recording))
    return dirname(resolve(recording))
      .split(sep)
      .map((part) => part.replace(':', ''));
  const { hostname, pathname } = new URL(recording);
  return [hostname, ...pathname.split('/').slice(1, -1)].map(decoded);
}

/** A part of an address as the name of a file. */
function decoded(part: string): string {
  let name = part;
  try {
    name = decodeURIComponent(part);
  } catch {
    // A percent sign of its own.
  }
  return name.replace(/[/\\:\0]/g, '_');
}

/** The file that a path leads to, where there is one. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function overwrites(path: string, recording: string): OptionsError {
  const which = realPath(path) === realPath(recording) ? 'its own transcript' : `the transcript of ${recording}`;
  return new OptionsError('overwrites', `${path} is named as a recording, and ${which} would replace it.`, {
    hint: 'Name the recordings alone (*.mp3 in place of *), or another folder for the transcripts with --output_dir.',
  });
}
