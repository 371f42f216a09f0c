/** What an error of one recording means for it and for the run. */
import { DeviceError, InternalError, OptionsError, OutputError, SottoError, WeightsError } from '../base/errors.ts';
import { isSystemError } from '../base/systemErrors.ts';
import type { BatchItem } from './item.ts';

/** An error as plain data: for a journal, another process, a queue. */
export interface Failure {
  /** Of `codes.ts`, or the system's (`EACCES`); `internal` for a fault in sotto. */
  readonly code: string;
  readonly error: string;
  readonly hint?: string;
}

/** The next recording would meet them as well. */
const DISK_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ESTALE', 'EMFILE', 'ENFILE']);

/** Is it an error of the machine, the model or the options of all, rather than of this recording? */
export function stopsRun(error: unknown, { options }: Pick<BatchItem, 'options'>): boolean {
  if (error instanceof DeviceError || error instanceof WeightsError) return true;
  if (error instanceof OptionsError) return options === undefined;
  if (error instanceof OutputError && (error.code === 'takenOver' || error.code === 'folder')) return true;
  if (error instanceof SottoError && error.code === 'closed') return true;
  return isOfDisk(error);
}

export function failureOf(error: unknown): Failure {
  if (error instanceof SottoError) {
    const { code, message, hint } = error;
    return { code, error: message, ...(hint !== undefined && { hint }) };
  }
  if (isSystemError(error)) return { code: error.code, error: error.message };
  const { message, hint } = new InternalError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return { code: 'internal', error: message, ...(hint !== undefined && { hint }) };
}

function isOfDisk(error: unknown): boolean {
  if (isSystemError(error)) return DISK_CODES.has(error.code);
  return error instanceof SottoError && error.cause !== undefined && isOfDisk(error.cause);
}
