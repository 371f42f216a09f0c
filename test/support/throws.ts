/** Runs what must fail and says with which code, so that tests compare codes: a table of (input, code). */
import { SottoError } from '../../src/base/errors.ts';

/** The code of the SottoError that `action` throws; `none` if it does not; any other error goes through. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
  return 'none';
}
