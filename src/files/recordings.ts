/** The recordings that a command line names: looked at before a model is loaded, as far as that goes without reading them. */
import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AudioError, type SottoError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';

export interface NamedRecordings {
  /** Those that seem to be there, each once, as they were named. */
  readonly usable: readonly string[];
  /** Those that are not, with the reason. */
  readonly refused: readonly { readonly recording: string; readonly error: SottoError }[];
  /** Those that were named more than once. */
  readonly repeated: readonly string[];
}

/** Extensions that recordings usually have: examples in hints, and what is looked for in a folder. */
export const AUDIO =
  /\.(mp3|wav|m4a|m4b|flac|ogg|opus|webm|mp4|m4v|aac|wma|mkv|mov|oga|aiff?|amr|avi|3gp|mp2|mpga|mpe?g|caf|mka|w64|au|spx|ac3)$/i;
/** File names looked through for one that was meant. */
const MOST_NAMES = 10_000;

export function lookAtRecordings(names: readonly string[]): NamedRecordings {
  const usable = new Map<string, string>();
  const refused: { recording: string; error: SottoError }[] = [];
  const repeated: string[] = [];
  for (const name of names) {
    const recording = localPath(name);
    const error = faultOf(recording);
    const key = isAddress(recording) ? recording : resolve(recording);
    if (error) refused.push({ recording, error });
    else if (usable.has(key)) repeated.push(recording);
    else usable.set(key, recording);
  }
  return { usable: [...usable.values()], refused, repeated };
}

/** The same for one. @throws {AudioError}, {OptionsError} */
export function lookAtRecording(name: string): string {
  const { usable, refused } = lookAtRecordings([name]);
  if (refused[0]) throw refused[0].error;
  return usable[0]!; // it is not refused
}

/** Is it fetched by HTTP, rather than read from a file? */
export function isAddress(recording: string): boolean {
  return /^https?:/i.test(recording);
}

/** `file:///home/me/a.mp3`, as browsers and file managers copy it, is a path. */
function localPath(name: string): string {
  if (!/^file:\/\//i.test(name)) return name;
  try {
    return fileURLToPath(name);
  } catch {
    return name;
  }
}

function faultOf(recording: string): SottoError | undefined {
  if (isAddress(recording)) {
    if (URL.canParse(recording)) return undefined;
    return new AudioError('fetch', `${recording} is not a valid address.`);
  }
  let file: Stats;
  try {
    file = statSync(recording);
    if (file.isDirectory()) return folder(recording);
    accessSync(recording, constants.R_OK);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT') return missing(recording);
    return new AudioError('file', `${recording} cannot be read: ${systemReason(error)}.`, { cause: error });
  }
  return file.isSocket() ? new AudioError('file', `${recording} is a socket, not a file.`) : undefined;
}

function missing(recording: string): AudioError {
  if (recording === '') {
    return new AudioError('notFound', 'A recording is named by an empty text.', {
      hint: 'In a script: is the variable set that it is named by?',
    });
  }
  const hint = hintFor(recording);
  return new AudioError('notFound', `There is no file ${recording}.`, hint === undefined ? {} : { hint });
}

function hintFor(recording: string): string | undefined {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(recording)) {
    return 'Addresses begin with http: or https:. Of anything else: ffmpeg -i ADDRESS -f wav - | sotto -';
  }
  if (/[*?]/.test(recording)) return 'No name matches it.';
  if (recording.includes('\ufffd')) return 'Its name is not UTF-8, which Node cannot open: rename it.';
  const wanted = basename(recording);
  const names = namesIn(dirname(recording));
  const sameStem = names.find((name) => AUDIO.test(name) && name.replace(AUDIO, '') === wanted.replace(AUDIO, ''));
  const near = sameStem ?? nearest(wanted, names);
  if (near === undefined) return undefined;
  return `Did you mean ${recording.slice(0, recording.length - wanted.length)}${near}?`;
}

function folder(recording: string): AudioError {
  const names = namesIn(recording);
  const extensions = names.filter((name) => AUDIO.test(name)).map((name) => extname(name));
  const [first] = extensions;
  const path = /[\s'"$&()]/.test(recording) ? `"${recording}"` : recording;
  const hint =
    first === undefined
      ? `It holds no recordings itself. With all below it: sotto batch ${path} -o out`
      : `Name what is in it: sotto ${path.replace(/\/$/, '')}/*${first}; with all below it: sotto batch ${path} -o out`;
  return new AudioError('file', `${recording} is a folder.`, { hint });
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).slice(0, MOST_NAMES);
  } catch {
    return []; // a hint less
  }
}
