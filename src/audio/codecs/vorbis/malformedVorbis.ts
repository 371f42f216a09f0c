import { AudioError } from '../../../base/errors.ts';

export function malformedVorbis(what: string): AudioError {
  return new AudioError('malformed', `The Vorbis stream cannot be read: ${what}.`);
}
