/** A model that says of a recording what its file holds, so that batches are tested without weights. */
import { readFile } from 'node:fs/promises';
import type { AudioInput } from '../../src/audio/audioInput.ts';
import { AudioError } from '../../src/base/errors.ts';
import { untilAborted } from '../../src/base/signals.ts';
import type { Transcriber } from '../../src/batch/processItem.ts';
import type { Transcript } from '../../src/transcribe/transcript.ts';

export interface ScriptedTranscriber extends Transcriber {
  /** Paths, as they were begun. */
  readonly heard: string[];
}

/**
 * @param play is waited for at every recording, with what its file holds
 * @returns one that refuses a file that holds `corrupt`; a character of others is a second of sound
 */
export function scriptedTranscriber(
  play: (text: string, path: string) => Promise<void> = async () => {},
): ScriptedTranscriber {
  const heard: string[] = [];
  return {
    heard,
    async transcribe(audio: AudioInput, { signal, onProgress }): Promise<Transcript> {
      const path = String(audio);
      heard.push(path);
      const text = await readFile(path, 'utf8').catch(() => {
        throw new AudioError('notFound', `There is no file ${path}.`);
      });
      await untilAborted(play(text, path), signal);
      signal?.throwIfAborted();
      if (text === 'corrupt')
        throw new AudioError('malformed', `${path}: it is no sound.`, { hint: 'Record it again.' });
      onProgress?.({ stage: 'transcribe', done: text.length, total: text.length, unit: 'seconds' });
      return { text, language: 'en', duration: text.length, segments: [] };
    },
  };
}
