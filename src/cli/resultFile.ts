/** A file that an option names for results: looked at before the work, written whole after it. */
import { dirname } from 'node:path';
import { OptionsError, OutputError } from '../base/errors.ts';
import { writeAtomically } from '../files/output.ts';
import { makeFolder, tryFolder } from '../files/outputFolder.ts';
import { checkTarget } from '../files/outputPlan.ts';
import { isSameFile } from './textFile.ts';

/**
 * @param inputs files that are read
 * @throws {OptionsError} `overwrites`, {OutputError}
 */
export function checkResultFile(path: string, inputs: readonly (string | undefined)[]): void {
  for (const input of inputs)
    if (input !== undefined && isSameFile(path, input))
      throw new OptionsError('overwrites', `${path} is read, and would be replaced by what is written.`, {
        hint: 'Name another file.',
      });
  try {
    tryFolder(dirname(path));
    checkTarget({ path, format: 'json' });
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    // The hints of these name an option for folders, which these commands do not have.
    throw new OutputError(error.code, error.message, { hint: 'Name another file.', cause: error });
  }
}

/** In one step, and its folder with it. @throws the system's error */
export function writeResultFile(path: string, text: string): void {
  makeFolder(dirname(path));
  writeAtomically(path, text);
}
