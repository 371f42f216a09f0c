/**
 * Recordings with the tokens that openai/whisper gives for them with tiny (greedy, 16 kHz samples by ffmpeg).
 *
 * The recording of the repository has its tokens here; the others stand beside the repository.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot, sharedOrSkip } from './paths.ts';

export interface Clip {
  readonly name: string;
  readonly path: string;
  /** Of all segments, time stamps included. */
  readonly tokens: readonly number[];
  readonly text: string;
}

interface Reference {
  readonly text: string;
  readonly segments: readonly { readonly tokens: readonly number[] }[];
}

/** `assets/jfk.wav`. */
export const jfk: Clip = {
  name: 'jfk',
  path: join(repoRoot, 'assets/jfk.wav'),
  tokens: [
    50364, 400, 370, 452, 7177, 6280, 1029, 406, 437, 428, 1941, 393, 360, 337, 291, 11, 1029, 437, 291, 393, 360, 337,
    428, 1941, 13, 50914,
  ],
  text: ' And so my fellow Americans ask not what your country can do for you, ask what you can do for your country.',
};

/** Recordings of `../shared/speech` by their file names; none, and a line that says so, where there is no such folder. */
export function sharedClips(what: string, files: readonly string[]): readonly Clip[] {
  const shared = sharedOrSkip(`${files.join(', ')}: ${what}`);
  if (!shared) return [];
  return files.map((file) => {
    const name = file.replace(/\.\w+$/, '');
    const text = readFileSync(join(shared, 'reference/tiny', `${name}.greedy.json`), 'utf8');
    const reference = JSON.parse(text) as Reference; // a file that we were given, of openai/whisper's form
    const tokens = reference.segments.flatMap((segment) => segment.tokens);
    return { name, path: join(shared, 'speech', file), tokens, text: reference.text };
  });
}
