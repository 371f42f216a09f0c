/** What is transcribed for figures: one sentence, one window; and five minutes and a half of a speech. */
import { join } from 'node:path';
import { repoRoot, sharedDir } from '../test/support/paths.ts';

/** @throws if the recording is not on this machine */
export function recordingPath(name: string): string {
  if (name === 'jfk') return join(repoRoot, 'assets/jfk.wav');
  if (name !== 'long') return name;
  if (!sharedDir) throw new Error('the long recording is in ../shared, which is not here: give a path');
  return join(sharedDir, 'speech/long_en_bush_1.mp3');
}
