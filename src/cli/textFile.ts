/** Files of text that a command line names. */
import { readFileSync, realpathSync } from 'node:fs';
import { OptionsError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';

/** @throws {OptionsError} `textFile` */
export function readTextFile(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new OptionsError('textFile', `The text ${path} cannot be read: ${systemReason(error)}.`, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new OptionsError('textFile', `${path} is not a text in UTF-8.`, {
      hint: 'The recording comes first, then the text. Another encoding is changed with: iconv -t UTF-8',
      cause,
    });
  }
}

/** Whether both are there, and one file. */
export function isSameFile(path: string, other: string): boolean {
  try {
    return realpathSync(path) === realpathSync(other);
  } catch {
    return false; // one of them is not there
  }
}
