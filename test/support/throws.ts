/** Runs what must fail, and says how it failed. */
import * as assert from 'uvu/assert';
import { SottoError } from '../../src/base/errors.ts';

/** A promise, or what throws at once or gives one. */
export type Action = PromiseLike<unknown> | (() => unknown);

/** What `action` throws or rejects with. It is listened to at once, so the result may be awaited later. */
export async function reasonOf(action: Action): Promise<unknown> {
  try {
    await (typeof action === 'function' ? action() : action);
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/**
 * Asserts that `action` fails with an error of this class and code.
 *
 * @param words what the message or the hint has to hold
 * @returns the error, for what else is to be looked at
 */
export async function throws<E extends SottoError>(
  type: new (...args: never[]) => E,
  code: E['code'],
  action: Action,
  words: string | RegExp = '',
): Promise<E> {
  const error = await reasonOf(action);
  if (!(error instanceof type) || error.code !== code)
    throw new Error(`not ${type.name} ${code}, but ${String(error)}`);
  assert.match(`${error.message} ${error.hint ?? ''}`, words);
  return error;
}

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
