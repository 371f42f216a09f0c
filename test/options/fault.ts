import { SottoError } from '../../src/base/errors.ts';

/** The code and the sentence of the error that is thrown; empty if nothing is. */
export function fault(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SottoError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return '';
}
