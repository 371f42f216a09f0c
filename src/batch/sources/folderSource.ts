/** The recordings in a folder and those below it. */
import { relative, resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { AudioError } from '../../base/errors.ts';
import { isSystemError, systemReason } from '../../base/systemErrors.ts';
import { AUDIO } from '../../files/recordings.ts';
import type { BatchItem } from '../item.ts';
import { nameOfPath } from '../names.ts';
import { fileItem } from './fileItem.ts';
import type { Source } from './source.ts';

export interface FolderOptions {
  /** Patterns, in place of the extensions of recordings. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** A folder whose files are no recordings: that of the outputs. */
  readonly outputs?: string | undefined;
}

/** Files that are asked for size and time at once. */
const AT_ONCE = 64;

/** An item's id is its path below the folder, with `/`. */
export function folderSource(folder: string, { include, exclude = [], outputs }: FolderOptions = {}): Source {
  const root = resolve(folder);
  return {
    async *items(signal) {
      const paths = await listed(root, { include, exclude, outputs }, signal);
      for (let i = 0; i < paths.length; i += AT_ONCE) {
        signal.throwIfAborted();
        const some = paths.slice(i, i + AT_ONCE);
        yield* await Promise.all(
          some.map((path): Promise<BatchItem> => fileItem(path, resolve(root, path), nameOfPath(path))),
        );
      }
    },
  };
}

/** Paths below the folder, in their order. */
async function listed(
  root: string,
  { include, exclude = [], outputs }: FolderOptions,
  signal: AbortSignal,
): Promise<string[]> {
  const below = outputs === undefined ? '' : relative(root, resolve(outputs)).replaceAll('\\', '/');
  const isWithin = below !== '' && !below.startsWith('../') && below !== '..';
  try {
    const found = await glob(include ? [...include] : ['**'], {
      cwd: root,
      ignore: [...exclude],
      expandDirectories: false,
      signal,
    });
    const isRecording = (path: string): boolean => include !== undefined || AUDIO.test(path);
    const isOutput = (path: string): boolean => isWithin && path.startsWith(`${below}/`);
    return found.filter((path) => isRecording(path) && !isOutput(path)).sort();
  } catch (error) {
    signal.throwIfAborted();
    if (!isSystemError(error)) throw error;
    throw new AudioError('file', `The folder ${root} cannot be listed: ${systemReason(error)}.`, { cause: error });
  }
}
