import { AudioError } from '../base/errors.ts';

/** The error for what nothing here decodes. @param what it is, if that is known */
export function unsupportedFormat(name = 'The recording', what?: string): AudioError {
  const found = what === undefined ? '' : `${name} is ${what}. `;
  const not = `${what === undefined ? `${name} is` : 'This is'} not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`;
  return new AudioError('unsupported', `${found}${not}`, {
    hint: 'Install ffmpeg, which decodes everything else, or convert the file to WAV.',
  });
}
