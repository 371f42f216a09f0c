/** What an action that must fail throws, so that tests compare it: a table of (input, code). */
import { SottoError } from '../../src/base/errors.ts';

/** What `action` throws; undefined if it does not throw. */
export async function errorOf(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The code of the SottoError that `action` throws; `none` if it does not throw. Any other error is thrown again. */
export async function codeOf(action: () => unknown): Promise<string> {
  const error = await errorOf(action);
  if (error === undefined) return 'none';
  if (error instanceof SottoError) return error.code;
  throw error;
}
